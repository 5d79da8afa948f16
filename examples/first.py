# The same as first.c, with Python's multiprocessing.Pool.
from multiprocessing import Pool

def count_steps(n):
    count = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        count += 1
    return count

if __name__ == "__main__":
    with Pool() as pool:  # as many workers as CPUs
        steps = pool.map(count_steps, range(1, 1000001))
    print(f"837799 takes {steps[837798]} steps")
