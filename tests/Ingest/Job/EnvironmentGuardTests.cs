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
            _guard.Observe(i % EnvironmentGuard.Limit == 0 ? null : Unexpected);
        }
    }

    [Fact]
    public void Observe_UnexpectedFailuresWithoutASuccessBetween_EndsTheRun()
    {
        for (var i = 1; i < EnvironmentGuard.Limit; i++)
        {
            _guard.Observe(Unexpected);
            _guard.Observe(Broken);
        }

        var error = Assert.Throws<FailureException>(() => _guard.Observe(Unexpected));
        Assert.Contains("OverflowException: made up", error.Message, StringComparison.Ordinal);
    }
}
