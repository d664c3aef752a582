using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

/// <summary>Small problems with known shape: Gaussian classes around random centres.</summary>
internal static class SvmData
{
    public static (float[] Rows, int[] Labels) Blobs(int count, int dim, int classes, double spread, ulong seed)
    {
        SplitMix64 centres = new(99), random = new(seed);
        float[] middle = [.. Enumerable.Range(0, classes * dim).Select(_ => (float)centres.NextNormal())];
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i % classes)];
        var rows = new float[count * dim];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = middle[(labels[i / dim] * dim) + (i % dim)] + (float)(spread * random.NextNormal());
        }

        return (rows, labels);
    }

    public static async Task<string> WriteAsync(FeatureSet set, string path, params (string Key, string Value)[] metadata)
    {
        await using var writer = await FeatureFileWriter.CreateAsync(path, set.Dim, metadata.ToDictionary(m => m.Key, m => m.Value, StringComparer.Ordinal));
        for (var i = 0; i < set.Clips; i++)
        {
            await writer.AppendAsync(set.Ids[i], set.Labels[i] < 0 ? null : set.ClassNames[set.Labels[i]], set.Vectors.AsMemory(i * set.Dim, set.Dim));
        }

        await writer.CommitAsync();
        return path;
    }

    public static FeatureSet Features(int clips, int windows, int dim, int classes, double spread, ulong seed, string prefix = "clip")
    {
        SplitMix64 centres = new(7), random = new(seed);
        float[] middle = [.. Enumerable.Range(0, classes * dim).Select(_ => (float)centres.NextNormal())];
        int[] labels = [.. Enumerable.Range(0, clips).Select(i => i % classes)];
        var rows = new float[clips * windows * dim];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = middle[(labels[i / (windows * dim)] * dim) + (i % dim)] + (float)(spread * random.NextNormal());
        }

        return new FeatureSet
        {
            Ids = [.. Enumerable.Range(0, clips).Select(i => $"{prefix}{i}")],
            Labels = labels,
            ClassNames = [.. Enumerable.Range(0, classes).Select(c => $"class{c}")],
            Windows = windows,
            Dim = dim,
            Vectors = rows,
        };
    }
}
