using System.Runtime.InteropServices;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Turns SIGINT, SIGTERM and SIGUSR1 (what SLURM sends before it pre-empts) into one cancellation, so that a run stops at its next
/// safe point. Schedulers and launchers repeat themselves, so further SIGTERM and SIGUSR1 change nothing: who cannot wait sends SIGKILL. A person does by a
/// second SIGINT, which ends the process at once.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private const int SigUsr1 = 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _received;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, c => OnSignal(c, ExitCodes.Interrupted, again: false)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => OnSignal(c, ExitCodes.Requeue, again: true)),
        PosixSignalRegistration.Create((PosixSignal)SigUsr1, c => OnSignal(c, ExitCodes.Requeue, again: true)),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>The exit code that the first signal asks for, or null.</summary>
    public int? ExitCode { get; private set; }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int exitCode, bool again)
    {
        if (Interlocked.Exchange(ref _received, 1) != 0)
        {
            context.Cancel = again; // else the default action, which ends the process, runs
            return;
        }

        context.Cancel = true;
        ExitCode = exitCode;
        _stop.Cancel();
    }
}
