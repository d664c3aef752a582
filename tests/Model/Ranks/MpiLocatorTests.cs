using Xkd.Model.Ranks;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Tests.Ranks;

public sealed class MpiLocatorTests
{
    [Fact]
    public void Load_NamedLibraryDoesNotLoad_SaysWhyAndWhatToName()
    {
        MpiLocator locator = new() { Environment = name => name == MpiLocator.Variable ? "/nowhere/libmpi.so" : null };
        var message = Assert.Throws<UsageException>(() => locator.Load(RankLauncher.OpenMpi)).Message;
        Assert.Contains("XKD_MPI=/nowhere/libmpi.so does not load (/nowhere/libmpi.so: cannot open shared object file", message);
    }

    [Fact]
    public void Load_NamedLibraryIsNoMpi_NamesWhatItLacks()
    {
        MpiLocator locator = new() { Environment = name => name == MpiLocator.Variable ? "libc.so.6" : null };
        Assert.Contains("libc.so.6 has no MPI_Allreduce", Assert.Throws<UsageException>(() => locator.Load(RankLauncher.Pmi)).Message);
    }

    [Fact]
    public void Open_StartedBySrunWithoutMpi_NamesTheOption() => Assert.Contains(
        "srun --mpi=pmix", Assert.Throws<UsageException>(() => RankGroup.Open(new RankEnvironment(0, 2, 0, 1, RankLauncher.Slurm))).Message);
}
