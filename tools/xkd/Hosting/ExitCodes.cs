namespace Xkd.Cli.Hosting;

/// <summary>What a script may rely on.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The work failed; corruption found included.</summary>
    public const int Failed = 1;

    /// <summary>Usage, configuration or an incompatible cache: nothing was changed.</summary>
    public const int Usage = 2;

    /// <summary>Done, with items that failed, in this run or in one before, and are named in the ledger.</summary>
    public const int DoneWithFailures = 3;

    /// <summary>Stopped on request after a checkpoint or a commit: run the same command again (EX_TEMPFAIL).</summary>
    public const int Requeue = 75;

    public const int Interrupted = 130;
}
