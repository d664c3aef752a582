"""Peer of SvmBenchmark: times scikit-learn's LinearSVC on the rows the benchmark wrote.

usage: svm_sklearn.py FOLDER DIM TOLERANCE C [C ...]
FOLDER holds x_train.f32 and x_test.f32 (row-major float32), y_train.i32 and y_test.i32.
Prints one JSON object: {"C": {"seconds": s, "accuracy": percent}, ...}
"""
import json
import sys
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC


def main():
    folder, dim, tolerance = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    x, xt = (np.fromfile(f"{folder}/{n}.f32", np.float32).reshape(-1, dim) for n in ("x_train", "x_test"))
    y, yt = (np.fromfile(f"{folder}/{n}.i32", np.int32) for n in ("y_train", "y_test"))
    warnings.simplefilter("ignore", ConvergenceWarning)
    result = {}
    for c in sys.argv[4:]:
        model = LinearSVC(C=float(c), tol=tolerance, max_iter=1000, random_state=0)
        started = time.perf_counter()
        model.fit(x, y)
        seconds = time.perf_counter() - started
        result[c] = {"seconds": seconds, "accuracy": 100 * float(np.mean(model.predict(xt) == yt)), "iterations": int(np.max(model.n_iter_))}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
