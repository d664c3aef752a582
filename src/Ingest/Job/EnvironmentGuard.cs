using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Stops a run in which everything fails for a reason that is not the files' own (the mount is gone, the disk gives errors, permissions
/// were lost), or by errors nobody expected: going on would only fail two million items one by one. Thread-safe.
/// </summary>
internal sealed class EnvironmentGuard(string root)
{
    /// <summary>Failures in a row, none of them the file's own, that end the run; and unexpected ones without a success between.</summary>
    public const int Limit = 32;

    private readonly Lock _gate = new();
    private int _row;
    private int _unexpected;
    private string? _good;

    /// <summary>Takes in how an item ended.</summary>
    /// <param name="failure">Why it failed; null where it did not.</param>
    /// <param name="path">Its file.</param>
    /// <exception cref="FailureException">The environment is broken; the item is not to be settled.</exception>
    public void Observe(ItemFailure? failure, string path)
    {
        if (failure is not ({ Unexpected: true } or { Reason: FailureReasons.Absent or FailureReasons.Unreadable or FailureReasons.Io or FailureReasons.Timeout }))
        {
            lock (_gate)
            {
                _row = 0;
                _good = failure is null ? path : _good;

                // A file that is judged broken shows that files can be read, not that they can be decoded.
                _unexpected = failure is null ? 0 : _unexpected;
            }

            return;
        }

        if (!Directory.Exists(root))
        {
            throw new FailureException($"the dataset's folder {root} is gone; mount it again, then run the same command: what is committed is kept.");
        }

        lock (_gate)
        {
            if ((failure.Unexpected ? ++_unexpected : ++_row) < Limit)
            {
                return;
            }

            if (failure is { Unexpected: false, Reason: FailureReasons.Absent or FailureReasons.Unreadable } && _good is not null && FailureClassifier.Unreadable(_good) is null)
            {
                _row = 0; // what could be read can be read still: it is the files' own
                return;
            }
        }

        throw new FailureException(failure.Unexpected
            ? $"{Limit} items failed, none having succeeded between, by errors that no file should bring about, the last by {failure.Detail}. Repair the cause, then run the same command with --retry-failed."
            : $"{Limit} items in a row failed, the last because of: {failure.Reason} ({failure.Detail}); that is not their own fault. Repair the cause, then run the same command with --retry-failed.");
    }
}
