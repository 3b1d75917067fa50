"""Train a Llama-family decoder with PyTorch: one file a matter, read in the order that train.py names them."""
