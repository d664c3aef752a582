using System.Globalization;
using System.Runtime.InteropServices;

namespace Xkd.Model.Tests.Ranks;

/// <summary>A process that is not this one's child. <c>/proc</c> says how it is, also once it has ended and nobody has taken note: then it is a zombie.</summary>
internal sealed partial record OtherProcess(int Id)
{
    private const int SigKill = 9, SigContinue = 18, SigStop = 19;

    private const int NoSuchProcess = 3; // ESRCH: it went while its file was read

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5), Limit = TimeSpan.FromSeconds(20);

    /// <summary>The process that started it.</summary>
    public OtherProcess Parent => new(int.Parse(Fields()[1], CultureInfo.InvariantCulture));

    /// <summary>Ends it without a word.</summary>
    public void Kill() => Send(SigKill);

    /// <summary>Lets it do nothing until <see cref="Resume"/>.</summary>
    public async Task SuspendAsync()
    {
        Send(SigStop);
        await UntilAsync('T', Limit);
    }

    public void Resume() => Send(SigContinue);

    /// <summary>Returns once it has ended.</summary>
    /// <exception cref="TimeoutException">It has not, so long.</exception>
    public Task EndAsync(TimeSpan limit) => UntilAsync('Z', limit);

    private async Task UntilAsync(char state, TimeSpan limit)
    {
        using CancellationTokenSource over = new(limit);
        while (State() is char now && now != state)
        {
            if (over.IsCancellationRequested)
            {
                throw new TimeoutException($"process {Id} is in state {now} after {limit.TotalSeconds:0} s, not {state}");
            }

            await Task.Delay(Look, TestContext.Current.CancellationToken);
        }
    }

    private char? State()
    {
        try
        {
            return Fields()[0][0];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException { HResult: NoSuchProcess })
        {
            return null; // gone altogether
        }
    }

    // State, parent and so on: what follows the name, which may hold spaces and brackets.
    private string[] Fields()
    {
        var stat = File.ReadAllText($"/proc/{Id}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }

    private void Send(int signal)
    {
        if (Signal(Id, signal) != 0)
        {
            throw new InvalidOperationException($"process {Id} cannot be sent signal {signal}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);
}
