"""Global views of a network: its kernels, its feature maps, and what each label likes best."""
