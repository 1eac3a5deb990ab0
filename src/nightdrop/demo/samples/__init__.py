"""The twelve sample documents of `nightdrop demo`: invoices as businesses send them, and the troubles of an inbox."""

from nightdrop.demo.samples.catalogue import all_samples, write_samples
from nightdrop.demo.samples.sample import Sample

__all__ = ["Sample", "all_samples", "write_samples"]
