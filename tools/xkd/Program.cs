using System.CommandLine;
using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;
using Xkd.Storage;

RootCommand root = new("XKD: pre-train audio and video encoders on unlabelled video by cross-modal knowledge distillation.");
foreach (Command verb in VerbList.All())
{
    root.Add(verb);
}

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (System.CommandLine.Parsing.ParseError error in parsed.Errors)
    {
        await Console.Error.WriteLineAsync($"xkd: {error.Message}").ConfigureAwait(false);
    }

    await Console.Error.WriteLineAsync($"xkd: see `xkd {(parsed.CommandResult.Command == root ? string.Empty : parsed.CommandResult.Command.Name + " ")}--help`").ConfigureAwait(false);
    return ExitCodes.Usage;
}

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
}
catch (XkdException e)
{
    await Console.Error.WriteLineAsync($"xkd: {e.Message}").ConfigureAwait(false);
    return e is UsageException ? ExitCodes.Usage : ExitCodes.Failed;
}
catch (OperationCanceledException)
{
    return ExitCodes.Interrupted;
}
