using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Collects what is wrong with a dataset's annotations, so that all of it can be put right at once.</summary>
internal sealed class AnnotationMistakes
{
    private const int Shown = 20;
    private readonly List<string> _first = [];
    private int _count;

    public void Add(Place place, string problem) => Add($"{place}: {problem}");

    /// <summary>A mistake of a whole file.</summary>
    public void Add(string text)
    {
        if (++_count <= Shown)
        {
            _first.Add(text);
        }
    }

    /// <exception cref="UsageException">There are any.</exception>
    public void ThrowIfAny(string dataset)
    {
        if (_count == 0)
        {
            return;
        }

        var (mistakes, more) = (_count == 1 ? "mistake" : "mistakes", _count > Shown ? $"\n  … and {_count - Shown} more" : "");
        throw new UsageException($"{_count} {mistakes} in the annotations of {dataset}; correct them, then run the same command again:\n  {string.Join("\n  ", _first)}{more}");
    }
}
