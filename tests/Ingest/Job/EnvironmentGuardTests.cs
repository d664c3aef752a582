using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class EnvironmentGuardTests
{
    private static readonly ItemFailure Broken = new(FailureStages.Decode, FailureReasons.Truncated, "3 of 10 s");
    private static readonly ItemFailure Unexpected = new(FailureStages.Decode, FailureReasons.Corrupt, "OverflowException: made up") { Unexpected = true };
    private readonly EnvironmentGuard _guard = new(AppContext.BaseDirectory);

    [Fact]
    public void Observe_UnexpectedFailuresWithSuccessesBetween_GoesOn()
    {
        for (var i = 0; i < 10 * EnvironmentGuard.Limit; i++)
        {
            _guard.Observe(i % EnvironmentGuard.Limit == 0 ? null : Unexpected, "a.mp4");
        }
    }

    [Theory]
    [InlineData(FailureReasons.Absent, true)]
    [InlineData(FailureReasons.Unreadable, true)]
    [InlineData(FailureReasons.Io, false)]
    [InlineData(FailureReasons.Timeout, false)]
    public void Observe_ManyInARowWhileAGoodFileCanStillBeRead_EndsTheRunOnlyIfTheFilesAreNotToBlame(string reason, bool goesOn)
    {
        var good = Path.GetTempFileName();
        try
        {
            File.WriteAllText(good, "x");
            _guard.Observe(null, good);
            var error = Record.Exception(() => Row(reason, 3 * EnvironmentGuard.Limit));
            Assert.Equal(goesOn, error is null);
        }
        finally
        {
            File.Delete(good);
        }

        Assert.Throws<FailureException>(() => Row(reason, EnvironmentGuard.Limit));
    }

    [Fact]
    public void Observe_ManyInARowAndNothingGoodYet_EndsTheRun() => Assert.Throws<FailureException>(() => Row(FailureReasons.Absent, EnvironmentGuard.Limit));

    [Fact]
    public void Observe_UnexpectedFailuresWithoutASuccessBetween_EndsTheRun()
    {
        for (var i = 1; i < EnvironmentGuard.Limit; i++)
        {
            _guard.Observe(Unexpected, "a.mp4");
            _guard.Observe(Broken, "a.mp4");
        }

        var error = Assert.Throws<FailureException>(() => _guard.Observe(Unexpected, "a.mp4"));
        Assert.Contains("OverflowException: made up", error.Message, StringComparison.Ordinal);
    }

    private void Row(string reason, int count)
    {
        for (var i = 0; i < count; i++)
        {
            _guard.Observe(new ItemFailure(FailureStages.Catalog, reason, "made up"), "b.mp4");
        }
    }
}
