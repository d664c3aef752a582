using System.CommandLine;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>Parses, runs, and turns what went wrong into a line and an exit code.</summary>
internal static class CommandHost
{
    /// <param name="root">The verbs.</param>
    /// <param name="name">What a person types before a verb.</param>
    /// <param name="args">What was typed after it.</param>
    public static async Task<int> RunAsync(RootCommand root, string name, string[] args)
    {
        PrintableWriter.Install();
        try
        {
            var parsed = root.Parse(HelpText.Asked(args));
            if (parsed.Errors.Count > 0 && parsed.Action is not HelpText)
            {
                UsageErrors.Of(parsed, name).ToList().ForEach(Terminal.Error);
                return ExitCodes.Usage;
            }

            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
        }
        catch (XkdException e)
        {
            Terminal.Error(e.Message);
            return e is UsageException ? ExitCodes.Usage : ExitCodes.Failed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A disk that is full, or a file where a folder should be: the message names it, and a trace would tell no more.
            Terminal.Error(e.Message);
            return ExitCodes.Failed;
        }
        catch (Exception e) when (e is OutOfMemoryException || (e is ExternalException && e.Message.Contains("memory", StringComparison.Ordinal)))
        {
            // libtorch's refusal of an allocation is a text of many lines; the first says how much was asked for.
            Terminal.Error($"there is not enough memory: {e.Message.Split('\n')[0]}: lower batch, the number or size of views, or the model");
            return ExitCodes.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }
}
