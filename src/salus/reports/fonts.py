"""Whether this machine has a font with the characters that a text needs."""

from __future__ import annotations

import ctypes
import ctypes.util

from salus.errors import OutputError


def require_chinese() -> None:
    """Check that fontconfig, which the PDF engine asks for fonts, knows one with Chinese characters.

    Raises
    ------
    OutputError
        There is none; the message says what to install.
    """
    if not covers("zh-cn"):
        raise OutputError(
            "can't make the PDF: no font with Chinese characters is installed on this machine. "
            "Install one (Debian, Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts) "
            "and run the same command again. The HTML bulletin needs no font here."
        )


def covers(lang: str) -> bool:
    """Whether fontconfig knows a font for a language.

    Parameters
    ----------
    lang : str
        Language tag as fontconfig has it, such as ``zh-cn``.

    Returns
    -------
    bool
        True when at least one font covers the language.
    """
    library = ctypes.util.find_library("fontconfig")
    if library is None:
        raise OutputError(
            "can't make the PDF: the library fontconfig is not installed on this machine. "
            "Install it (Debian and Ubuntu: apt install libfontconfig1 libpango-1.0-0) and run the same command again."
        )
    fontconfig = ctypes.CDLL(library)
    for name in ("FcNameParse", "FcObjectSetCreate", "FcFontList"):
        getattr(fontconfig, name).restype = ctypes.c_void_p
    fontconfig.FcNameParse.argtypes = [ctypes.c_char_p]
    fontconfig.FcFontList.argtypes = [ctypes.c_void_p] * 3
    fontconfig.FcFontSetDestroy.argtypes = [ctypes.c_void_p]
    pattern, properties = fontconfig.FcNameParse(f":lang={lang}".encode()), fontconfig.FcObjectSetCreate()
    found = fontconfig.FcFontList(None, pattern, properties)
    count = int(ctypes.cast(found, ctypes.POINTER(ctypes.c_int))[0]) if found else 0
    if found:
        fontconfig.FcFontSetDestroy(found)
    return count > 0
