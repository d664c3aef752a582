using System.Runtime.InteropServices;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Turns SIGINT, SIGTERM and SIGUSR1 (what SLURM sends before it pre-empts) into one cancellation, so that a run stops at its next
/// safe point; a second signal of any kind ends the process at once.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private const int SigUsr1 = 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _received;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, c => OnSignal(c, ExitCodes.Interrupted)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => OnSignal(c, ExitCodes.Requeue)),
        PosixSignalRegistration.Create((PosixSignal)SigUsr1, c => OnSignal(c, ExitCodes.Requeue)),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>The exit code that the first signal asks for, or null.</summary>
    public int? ExitCode { get; private set; }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int exitCode)
    {
        if (Interlocked.Exchange(ref _received, 1) != 0)
        {
            return; // not cancelled: the default action, which ends the process, runs
        }

        context.Cancel = true;
        ExitCode = exitCode;
        _stop.Cancel();
    }
}
