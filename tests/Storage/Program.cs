using Xunit.Runner.InProc.SystemConsole;

namespace Xkd.Storage.Tests;

/// <summary>Runs the tests; or is the process that a test starts in order to kill it.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => args is [Victim.Verb, ..] ? Victim.RunAsync(args[1..]) : ConsoleRunner.Run(args);
}
