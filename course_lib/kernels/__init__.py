"""Operations that every student runs millions of times: one op a file, a plain PyTorch reference beside each faster form."""
