"""The wall: records come in, only guarded counts go out."""
