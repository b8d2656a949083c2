from ._calque import repeatcall as repeatcall, replicate as replicate

__all__ = ["repeatcall", "replicate"]
