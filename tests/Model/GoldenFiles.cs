namespace Xkd.Model.Tests;

/// <summary>Finds the repository's reference files from wherever the tests run.</summary>
internal static class GoldenFiles
{
    public static string Path(params string[] parts)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            var golden = System.IO.Path.Combine(folder, "tests", "golden");
            if (Directory.Exists(golden))
            {
                return System.IO.Path.Combine([golden, .. parts]);
            }
        }

        throw new DirectoryNotFoundException("tests/golden is not above the test program");
    }

    /// <summary>A file written by PyTorch 1.13, see <c>tests/Model/Fixtures/pytorch/README.md</c>.</summary>
    public static string PyTorch(string name) => System.IO.Path.Combine(RepositoryRoot.Path, "tests", "Model", "Fixtures", "pytorch", name);
}
