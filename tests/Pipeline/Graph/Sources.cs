namespace Xkd.Pipeline.Tests;

internal static class Sources
{
    public static async IAsyncEnumerable<int> Count(int count, Action<int>? produced = null)
    {
        for (var i = 0; i < count; i++)
        {
            produced?.Invoke(i);
            yield return i;
        }

        await Task.CompletedTask;
    }

    public static async IAsyncEnumerable<T> Of<T>(IEnumerable<T> items)
    {
        foreach (var item in items)
        {
            yield return item;
        }

        await Task.CompletedTask;
    }
}
