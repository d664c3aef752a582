using System.Diagnostics;
using System.Globalization;

namespace Xkd.Model.Tests.Ranks;

/// <summary>Several processes of this test program, started by an MPI launcher; each runs one explicit test.</summary>
internal sealed class MpiJob : IDisposable
{
    /// <summary>Names the folder that parent and ranks share.</summary>
    public const string Folder = "XKD_TEST_RANKS_FOLDER";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    // Last words go to a file: a launcher that is ending may not pass them on.
    private const string ErrorsToFile = $"exec \"$0\" \"$@\" 2> \"${Folder}/errors-$$.txt\"";

    private readonly Process _launcher;
    private readonly Task<string> _errors;
    private readonly string _folder;
    private readonly List<OtherProcess> _suspended = [];

    private MpiJob(Process launcher, string folder) => (_launcher, _errors, _folder) = (launcher, launcher.StandardError.ReadToEndAsync(), folder);

    /// <summary>What the ranks print, line by line.</summary>
    public StreamReader Output => _launcher.StandardOutput;

    /// <summary>Starts <paramref name="size"/> ranks of an explicit test under <c>mpirun.openmpi</c> or <c>mpirun.mpich</c>; skips the test where that is not installed.</summary>
    /// <param name="flavor">openmpi or mpich.</param>
    /// <param name="size">Ranks.</param>
    /// <param name="worker">The explicit test's full name.</param>
    /// <param name="folder">The shared folder.</param>
    /// <param name="launcherOptions">More options of the launcher.</param>
    public static MpiJob Start(string flavor, int size, string worker, string folder, params string[] launcherOptions)
    {
        var launcher = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Select(place => Path.Combine(place, "mpirun." + flavor)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(launcher is null, $"mpirun.{flavor} is not installed: apt-get install {(flavor == "openmpi" ? "openmpi-bin libopenmpi3" : "mpich libmpich12")}");
        string[] flavored = flavor == "openmpi" ? ["--oversubscribe", "--bind-to", "none"] : [];
        ProcessStartInfo start = new(launcher!, [
            "-np", size.ToString(CultureInfo.InvariantCulture), .. flavored, .. launcherOptions, "/bin/sh", "-c", ErrorsToFile, Environment.ProcessPath!, "-explicit", "only", "-method", worker, "-noColor"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment[Folder] = folder;
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"; // containers run tests as root
        return new MpiJob(Process.Start(start)!, folder);
    }

    /// <summary>Waits for the launcher to end; its exit code, what the ranks still printed, and their standard error.</summary>
    public async Task<(int ExitCode, string Output, string Errors)> EndAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        var output = await Output.ReadToEndAsync(limit.Token);
        await _launcher.WaitForExitAsync(limit.Token);
        var ranks = await Task.WhenAll(Directory.EnumerateFiles(_folder, "errors-*.txt").Select(file => File.ReadAllTextAsync(file, limit.Token)));
        return (_launcher.ExitCode, output, string.Concat([await _errors.WaitAsync(limit.Token), .. ranks]));
    }

    /// <summary>Lets the launcher do nothing until <see cref="ResumeLauncher"/>, nor its helpers between itself and a rank.</summary>
    public async Task SuspendLauncherAsync(OtherProcess rank)
    {
        var helper = rank;
        do
        {
            helper = helper.Parent;
            _suspended.Add(helper);
            await helper.SuspendAsync();
        }
        while (helper.Id != _launcher.Id);
    }

    public void ResumeLauncher()
    {
        _suspended.ForEach(process => process.Resume());
        _suspended.Clear();
    }

    public void Dispose()
    {
        ResumeLauncher(); // else it could neither end nor be waited for
        if (!_launcher.HasExited)
        {
            _launcher.Kill(entireProcessTree: true);
        }

        _launcher.Dispose();
    }
}
