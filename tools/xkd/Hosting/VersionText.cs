using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;
using Xkd.Ingest;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary><c>--version</c>: what a report of a fault has to say, the program and the two libraries that it finds on the machine.</summary>
internal sealed class VersionText : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public static void Install(RootCommand root) => root.Options.OfType<VersionOption>().Single().Action = new VersionText();

    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        var version = typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+');
        output.WriteLine($"xkd {version[0]}{(version.Length > 1 ? $", commit {version[1]}" : string.Empty)}");
        output.WriteLine($"libtorch {Found(() => $"{LibTorch.Info.Version}, {LibTorch.Info.Directory}", "xkd doctor")}");
        output.WriteLine($"ffmpeg {Found(() => $"{FfmpegTools.Locate().Version}, {FfmpegTools.Locate().Ffmpeg}", "apt-get install ffmpeg")}");
        output.WriteLine($".NET {Environment.Version}");
        return ExitCodes.Done;
    }

    // Whoever asks for the version wants a line of each, also of what is missing.
    private static string Found(Func<string> version, string remedy)
    {
        try
        {
            return version();
        }
        catch (XkdException)
        {
            return $"not found: {remedy}";
        }
    }
}
