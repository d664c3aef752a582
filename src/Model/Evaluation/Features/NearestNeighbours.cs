using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="NearestNeighbours"/>.</summary>
public sealed record NeighbourOptions
{
    /// <summary>Neighbours that vote; clamped to the number of training clips. Default 20.</summary>
    public int K { get; init; } = 20;

    /// <summary>A neighbour of cosine similarity s votes with exp(s / temperature). Default 0.07.</summary>
    public double Temperature { get; init; } = 0.07;
}

/// <summary>
/// Classification by the rows nearest in cosine similarity (weighted votes, Wu et al., CVPR 2018). The gallery is read once, a row group at a time: memory
/// holds the queries and their nearest rows so far.
/// </summary>
public static class NearestNeighbours
{
    private const int Tile = 128;

    /// <summary>Classifies each query by the gallery's rows.</summary>
    /// <param name="gallery">Labelled features.</param>
    /// <param name="queries">Features of the same length, one row a clip.</param>
    /// <param name="options">Neighbours and temperature.</param>
    /// <param name="stop">Stops between row groups.</param>
    /// <returns>The scores, and how many queries are rows of the gallery, too.</returns>
    /// <exception cref="UsageException">Vectors of different lengths, or a query of a class that the gallery has not.</exception>
    public static async Task<(ClipScores Scores, int Shared)> ClassifyAsync(
        FeatureFile gallery, FeatureSet queries, NeighbourOptions options, CancellationToken stop)
    {
        (var votes, var classes, var shared) = await VotesAsync(gallery, queries, options, stop);
        int[] truth = [.. queries.Labels.Select((l, i) => (l < 0 ? null : classes.Find(queries.ClassNames[l], open: false)) ?? throw new UsageException(
            $"neighbours: {queries.Ids[i]} {(l < 0 ? "has no label" : $"is of class {queries.ClassNames[l]}, which {gallery.Path} has not")}"))];
        return (ClipScores.Single(votes, truth, classes.Names), shared);
    }

    /// <summary>Votes, row-major [queries, classes]; each row sums to 1.</summary>
    internal static async Task<(double[] Votes, ClassIndex Classes, int Shared)> VotesAsync(
        FeatureFile gallery, FeatureSet queries, NeighbourOptions options, CancellationToken stop)
    {
        if (gallery.Dim != queries.Dim || options.K < 1 || options.Temperature is not > 0)
        {
            throw new UsageException(
                $"neighbours: gallery features of {gallery.Dim}, queries of {queries.Dim}, k {options.K}, temperature {options.Temperature}; "
                + "extract both with the same weights, and write k and temperature above 0");
        }

        var unit = queries.UnitVectors();
        Nearest[] nearest = [.. Enumerable.Range(0, queries.Clips).Select(_ => new Nearest((int)Math.Min(options.K, gallery.Rows)))];
        HashSet<ulong> asked = [.. queries.Ids.Select((id, i) => ClipSource.Row(id, queries.Clip(i)))];
        var classes = new ClassIndex([]);
        int shared = 0, threads = Math.Max(1, Math.Min(Environment.ProcessorCount, queries.Clips));
        await foreach (var block in gallery.ReadAsync(stop))
        {
            var rows = block.Vectors.ToArray();
            shared += block.Ids.Where((id, i) => asked.Contains(ClipSource.Row(id, rows.AsSpan(i * gallery.Dim, gallery.Dim)))).Count();
            VectorMath.NormaliseRows(rows, gallery.Dim);
            int[] labels = [.. block.Labels.Select(l => l is null ? -1 : classes.Find(l, open: true)!.Value)];

            // A tile of rows stays in cache while a thread's queries pass by it.
            Parallel.For(0, threads, thread =>
            {
                for (var start = 0; start < labels.Length; start += Tile)
                {
                    for (var query = thread; query < queries.Clips; query += threads)
                    {
                        ReadOnlySpan<float> vector = unit.AsSpan(query * gallery.Dim, gallery.Dim);
                        for (var row = start; row < Math.Min(start + Tile, labels.Length); row++)
                        {
                            nearest[query].Offer(VectorMath.Dot(vector, rows.AsSpan(row * gallery.Dim, gallery.Dim)), labels[row]);
                        }
                    }
                }
            });
        }

        var votes = new double[queries.Clips * classes.Names.Count];
        for (var query = 0; query < queries.Clips; query++)
        {
            nearest[query].Vote(votes.AsSpan(query * classes.Names.Count, classes.Names.Count), options.Temperature);
        }

        return (votes, classes, shared);
    }

    /// <summary>The best rows of one query so far, best first.</summary>
    private sealed class Nearest(int k)
    {
        private readonly float[] _similarity = new float[k];
        private readonly int[] _label = new int[k];
        private int _count;

        public void Offer(float similarity, int label)
        {
            if (_count == k && similarity <= _similarity[k - 1])
            {
                return;
            }

            var at = _count < k ? _count++ : k - 1;
            for (; at > 0 && _similarity[at - 1] < similarity; at--)
            {
                (_similarity[at], _label[at]) = (_similarity[at - 1], _label[at - 1]);
            }

            (_similarity[at], _label[at]) = (similarity, label);
        }

        public void Vote(Span<double> votes, double temperature)
        {
            double total = 0;
            for (var n = 0; n < _count; n++)
            {
                if (_label[n] >= 0)
                {
                    // Relative to the nearest, which keeps the exponential in range at any temperature.
                    var weight = Math.Exp((_similarity[n] - _similarity[0]) / temperature);
                    votes[_label[n]] += weight;
                    total += weight;
                }
            }

            for (var c = 0; c < votes.Length && total > 0; c++)
            {
                votes[c] /= total;
            }
        }
    }
}
