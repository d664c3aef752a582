namespace Xkd.Storage;
public static class CacheVerifier
{
    public static VerifyReport Verify(string cache, int? version = null, CancellationToken ct = default) => throw new NotSupportedException();
}
