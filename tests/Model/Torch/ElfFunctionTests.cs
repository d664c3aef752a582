using System.Runtime.InteropServices;
using Xkd.Model.Torch;

namespace Xkd.Model.Tests.Torch;

public sealed unsafe class ElfFunctionTests
{
    [Theory]
    [InlineData("xkd_one", 1)]
    [InlineData("xkd_of_a_name_that_is_longer_than_any_line_of_the_file_is_wide", -7)]
    [InlineData("x", int.MaxValue)]
    public void Library_OpenedByTheLinker_ExportsTheFunction(string name, int value)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("function.so"), ElfFunction.Library(name, value));

        var handle = NativeLibrary.Load(folder.File("function.so"));
        var function = (delegate* unmanaged<int>)NativeLibrary.GetExport(handle, name);

        Assert.Equal(value, function());
        Assert.False(NativeLibrary.TryGetExport(handle, name + "s", out _));
        Assert.Equal(ElfFunction.Library(name, value), ElfFunction.Library(name, value));
        NativeLibrary.Free(handle);
    }

    [Fact]
    public void Open_FromMemory_IsFoundAmongTheGlobalNames()
    {
        Assert.False(NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "xkd_found_by_all", out _));

        Assert.Null(MklVendorCheck.Open(ElfFunction.Library("xkd_found_by_all", 41)));

        Assert.Equal(41, ((delegate* unmanaged<int>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "xkd_found_by_all"))());
    }

    [Fact]
    public void Open_NotALibrary_SaysWhy() => Assert.Contains("ELF", MklVendorCheck.Open("not a library, though long enough to be looked at as one by the linker"u8), StringComparison.Ordinal);
}
