using Xkd.Storage;

namespace Xkd.Model.Distributed;

/// <summary>An exchange among ranks failed: some MPI libraries return where another rank is lost, others wait for ever.</summary>
internal sealed class ExchangeException(string message) : FailureException(message);
