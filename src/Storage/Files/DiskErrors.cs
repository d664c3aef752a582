namespace Xkd.Storage;

/// <summary>Turns what the operating system says into an error for a person.</summary>
internal static class DiskErrors
{
    public static async Task<T> GuardAsync<T>(string cache, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"cache {cache} cannot be written: {e.Message}: free the disk or mend its permissions and run the same command again; what was committed is safe", e);
        }
    }
}
