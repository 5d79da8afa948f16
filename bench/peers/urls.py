#!/usr/bin/python3
"""The URLs of examples/urls, fetched by multiprocessing.dummy.Pool: the other side of its table.

    examples/server urls.py examples/urls [--scale FACTOR]

The command behind the script says which URLs there are, if it is run with --list and the address that the server adds.
Prints lines as examples/urls --csv writes them.  Status 1 if a page is not the right one.
"""
import subprocess
import sys
from multiprocessing.dummy import Pool
from time import monotonic
from urllib.request import ProxyHandler, build_opener

WORKERS = 1, 4, 8, 13
WAY = "multiprocessing.dummy"

opener = build_opener(ProxyHandler({}))


def fetch(url):
    with opener.open(url) as page:
        return page.read()


def time_of(workers, urls):
    """Seconds in which so many workers, which stand ready, fetch them all."""
    with Pool(workers) as pool:
        begin = monotonic()
        pages = pool.map(fetch, urls, chunksize=1)
        took = monotonic() - begin
    for number, page in enumerate(pages):
        if page != b"page %d\n" % number:
            sys.exit(f"urls.py: {urls[number]} is {page!r}")
    return took


def main():
    if len(sys.argv) < 3:
        sys.exit(f"usage: server {sys.argv[0]} examples/urls [--scale FACTOR]")
    command = [sys.argv[1], "--list", *sys.argv[2:]]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if listed.returncode != 0:
        sys.exit(listed.returncode)
    urls = listed.stdout.split()
    print("workers,way,seconds")
    for workers in WORKERS:
        print(f"{workers},{WAY},{time_of(workers, urls):.6f}", flush=True)


if __name__ == "__main__":
    main()
