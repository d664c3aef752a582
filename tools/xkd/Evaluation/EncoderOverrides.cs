using Xkd.Model.Configuration;

namespace Xkd.Cli.Evaluation;

/// <summary><c>--set encoder.*</c> where there is no configuration file.</summary>
internal static class EncoderOverrides
{
    public static EncoderSection Of(IEnumerable<string> overrides)
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("xkd-encoder-").FullName, "encoder.yaml");
        try
        {
            File.WriteAllText(file, string.Empty);
            return SvmConfig.Load(file, overrides).Encoder;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }
}
