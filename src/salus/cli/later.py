"""Commands that are imported when they are called, so that the help of all of them comes at once.

The libraries below a command take seconds to import; the list of commands needs none of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from salus.errors import InputError

MARKUP: Final = "markdown"


class Once(TyperCommand):
    """A command that keeps to the zones of a wall, and refuses an option given twice where one value counts."""

    def invoke(self, ctx: Any) -> Any:
        """Carry the command out, unless it would read or write past its zone.

        Parameters
        ----------
        ctx : typer.Context
            Of the call.

        Raises
        ------
        WallError
            A path of the call lies where it may not.
        """
        from salus.cli.walled import keep  # its libraries are none that the help needs

        names: list[str] = []
        at = ctx
        while at.parent is not None:
            names, at = [at.info_name, *names], at.parent
        keep(" ".join(names), ctx.params)
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments.

        Parameters
        ----------
        ctx : typer.Context
            Of the call.
        args : list of str
            As typed.

        Raises
        ------
        InputError
            An option that takes one value was given more than one.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for option in order:
            single = option.param_type_name == "option" and not getattr(option, "multiple", False)
            if single and order.count(option) > 1 and not ctx.resilient_parsing:
                name = max(option.opts, key=len)
                raise InputError(f"{name} was given {order.count(option)} times, one was wanted. Give it once.")
        return super().parse_args(ctx, args)


class Later(TyperCommand):
    """The place of a command in the list, with its help, until it is called.

    Parameters
    ----------
    name : str
        As it is typed.
    help : str
        The first paragraph of its help.
    load : callable
        Gives the function of the command, or the Typer application of a group of commands.
    epilog : str, optional
        The example that ends its help.
    """

    def __init__(self, name: str, help: str, load: Callable[[], Any], epilog: str | None = None) -> None:  # noqa: A002 (Typer's word)
        super().__init__(name=name, help=help, callback=None, rich_markup_mode=MARKUP)
        self._load, self._epilog = load, epilog

    @functools.cached_property
    def real(self) -> TyperCommand | TyperGroup:
        """The command itself."""
        name, found = str(self.name), self._load()
        holder = typer.Typer(rich_markup_mode=MARKUP, pretty_exceptions_enable=False)
        holder.callback()(_nothing)  # a command alone would stand for the group
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name, epilog=self._epilog)(found)
        _strict(holder)
        group = typer.main.get_command(holder)
        if not isinstance(group, TyperGroup):
            raise TypeError(f"a group was wanted, Typer gave {type(group).__name__}")
        command: Any = group.commands[name]
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """The context of a call, of the command itself.

        Parameters
        ----------
        *args, **kwargs
            As for the command itself.
        """
        return self.real.make_context(*args, **kwargs)


def _nothing() -> None:
    """Hold a command."""


def _strict(app: typer.Typer) -> None:
    for info in app.registered_commands:
        info.cls = Once
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _strict(group.typer_instance)
