using Xkd.Model.Ranks;

namespace Xkd.Model.Tests.Ranks;

public sealed class NcclLibraryTests
{
    private const string Maps = """
        55d0c8a00000-55d0c8a01000 r--p 00000000 08:01 131 /opt/libcudart tools/xkd
        55d0c9f00000-55d0ca000000 rw-p 00000000 00:00 0 [heap]
        7f10e0000000-7f10e0021000 rw-p 00000000 00:00 0
        7f10e4000000-7f10e4010000 r--p 00000000 08:01 977 /my env/nvidia/cu13/lib/libcudart.so.13
        7f10e4010000-7f10e4080000 r-xp 00010000 08:01 977 /my env/nvidia/cu13/lib/libcudart.so.13
        7f10e5000000-7f10e5010000 r--p 00000000 08:01 978 /torch/lib/not-libcudart.so.12
        7f10e6000000-7f10e6010000 r--p 00000000 08:01 979 /torch/lib/libcudart-9335f6a2.so.12
        """;

    [Fact]
    public void Runtimes_SomeMapped_AreThoseByPathThenTheUsualNames() => Assert.Equal(
        ["/my env/nvidia/cu13/lib/libcudart.so.13", "/torch/lib/libcudart-9335f6a2.so.12", "libcudart.so.13"],
        NcclLibrary.Runtimes(Maps.Split('\n')).Take(3));

    [Fact]
    public void Runtimes_NoneMapped_AreTheUsualNames() =>
        Assert.Equal(["libcudart.so.13", "libcudart.so.12", "libcudart.so"], NcclLibrary.Runtimes(File.ReadLines("/proc/self/maps")));
}
