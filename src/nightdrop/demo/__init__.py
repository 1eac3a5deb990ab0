"""`nightdrop demo`: sample documents and what is expected of them."""
