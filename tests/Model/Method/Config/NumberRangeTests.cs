using System.Reflection;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Model.Tests.Method;

public sealed class NumberRangeTests
{
    /// <summary>Every key that is a number or a list of them, of every kind of configuration.</summary>
    public static TheoryData<string> NumericKeys =>
    [
        .. Keys(typeof(PretrainConfig), "pretrain:"), .. Keys(typeof(SvmConfig), "svm:"), .. Keys(typeof(ClassifierConfig), "classifier:"),
    ];

    [Theory]
    [InlineData("8,5", "write 8.5")]
    [InlineData("0,07", "write 0.07")]
    [InlineData("1.000,5", "write a number above 0, at most 1000")]
    [InlineData("nan", "write a number above 0, at most 1000")]
    [InlineData("Infinity", "write a number above 0, at most 1000")]
    [InlineData("1e999", "write a number above 0, at most 1000")]
    [InlineData("-1", "write a number above 0, at most 1000")]
    [InlineData("0", "write a number above 0, at most 1000")]
    public void TryRead_NoNumberOfTheRange_SaysWhatToWrite(string text, string expected)
    {
        Assert.False(new NumberRange(0, 1000, above: true).TryRead(text, out double _, out var fix));
        Assert.Equal(expected, fix);
    }

    [Theory]
    [InlineData("1,000", "write 1000")]
    [InlineData("8,5", "write 85")]
    [InlineData("8.5", "write a whole number from 0 to 1000")]
    [InlineData("99999999999999999999", "write a whole number from 0 to 1000")]
    public void TryRead_NoWholeNumberOfTheRange_SaysWhatToWrite(string text, string expected)
    {
        Assert.False(new NumberRange(0, 1000).TryRead(text, out int _, out var fix));
        Assert.Equal(expected, fix);
    }

    [Fact]
    public void TryRead_NumbersOfTheRange_AreRead()
    {
        Assert.True(new NumberRange(0, 1000).TryRead("8.5", out double fps, out _));
        Assert.True(new NumberRange(0, long.MaxValue).TryRead("9_223_372_036_854_775_807", out long seed, out _));
        Assert.Equal((8.5, long.MaxValue), (fps, seed));
    }

    [Theory]
    [MemberData(nameof(NumericKeys))]
    public void Load_WhatIsNoNumberOfAKey_IsRefusedNamingKeyValueAndRange(string kindAndKey)
    {
        var parts = kindAndKey.Split(':');
        foreach (var value in new[] { "nan", "inf", "1e999", "-1e300", "[nan, nan]" })
        {
            var message = Assert.Throws<UsageException>(() => Load(parts[0], $"{parts[1]}={value}")).Message;
            Assert.Contains($"{parts[1]} is '{value}'; write ", message, StringComparison.Ordinal);
            Assert.Matches("number (from|above) ", message);
        }
    }

    [Theory]
    [InlineData("data.fps=8,5", "data.fps is '8,5'; write 8.5")]
    [InlineData("data.workers=2147483647", "data.workers is '2147483647'; write a whole number from 0 to 1024")]
    [InlineData("data.workers=99999999999", "data.workers is '99999999999'; write a whole number from 0 to 1024")]
    [InlineData("optim.weight_decay=[0.1, 1e30]", "each a number from 0 to 100")]
    public void Load_OneNumberTooMany_NamesTheFix(string set, string expected) =>
        Assert.Contains(expected, Assert.Throws<UsageException>(() => Load("pretrain", set)).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_EachNumberFineButNotTogether_IsRefused()
    {
        var message = Assert.Throws<UsageException>(() => PretrainConfig.Load(Shipped, ["data.global_size=4096", "model.video_patch=[4, 16, 16]"])).Message;
        Assert.Contains("data.global_frames, data.global_size is a view of 524288 tokens", message, StringComparison.Ordinal);
    }

    private static string Shipped => Path.Combine(RepositoryRoot.Path, "configs", "pretrain", "xkd.yaml");

    private static object Load(string kind, string set) => kind switch
    {
        "pretrain" => PretrainConfig.Load(Shipped, [set]),
        "svm" => SvmConfig.Load(null, [set]),
        _ => ClassifierConfig.Load(Path.Combine(RepositoryRoot.Path, "configs", "eval", "linear", "ucf101.yaml"), [set]),
    };

    private static IEnumerable<string> Keys(Type section, string prefix) => section.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).SelectMany(p =>
    {
        var type = p.PropertyType.IsArray ? p.PropertyType.GetElementType()! : Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType;
        var key = prefix + ConfigBinder.SnakeCase(p.Name);
        return type == typeof(int) || type == typeof(long) || type == typeof(double) ? [key] : type.IsClass && type != typeof(string) ? Keys(type, key + ".") : [];
    });
}
