# Benchmarks, kernels and the demo.
