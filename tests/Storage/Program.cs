using Xunit.Runner.InProc.SystemConsole;

namespace Xkd.Storage.Tests;

/// <summary>Runs the tests; or is one of the processes that a test starts, to kill it or to race it.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => args switch
    {
        [Victim.Verb, ..] => Victim.RunAsync(args[1..]),
        [Racer.Verb, ..] => Racer.RunAsync(args[1..]),
        _ => ConsoleRunner.Run(args),
    };
}
