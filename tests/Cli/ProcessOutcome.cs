namespace Xkd.Cli.Tests;

internal sealed record ProcessOutcome(int ExitCode, string Output, string Error);
