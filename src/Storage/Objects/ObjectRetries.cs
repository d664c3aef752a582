using System.Net;
using System.Xml;
using Amazon.Runtime;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Xkd.Storage;

/// <summary>
/// Tries a call on an object store again while what failed may pass: the service's own faults, its wish to be asked less often, a connection that
/// broke, an answer that broke off, a body that was damaged on its way. The SDK's own repetitions are off, so that there is one policy to read.
/// </summary>
internal sealed class ObjectRetries(ObjectStoreOptions options, TimeProvider time)
{
    private readonly ResiliencePipeline _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Exception is { } error && MayPass(error)),
            MaxRetryAttempts = Math.Max(1, options.Retries),
            Delay = options.RetryDelay,
            MaxDelay = TimeSpan.FromSeconds(10),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .AddTimeout(options.CallTimeout)
        .Build();

    /// <summary>Runs a call to its end. Calls are made by threads that have nothing else to do, as with a disk.</summary>
    /// <param name="what">The call in words, such as <c>read s3://bucket/key</c>.</param>
    /// <param name="call">Given the number of the try, from 0.</param>
    /// <param name="ct">Ends it in the middle.</param>
    /// <exception cref="FailureException">It failed, or kept failing.</exception>
    /// <exception cref="UsageException">There is no such bucket, or nobody may use it so.</exception>
    public T Run<T>(string what, Func<int, CancellationToken, Task<T>> call, CancellationToken ct = default)
    {
        var tries = 0;
        try
        {
            return _pipeline.ExecuteAsync(async token => await call(tries++, token), ct).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is AmazonClientException or AmazonServiceException || IsOfTheLine(e))
        {
            throw Named(what, tries, e);
        }
    }

    // A listing that broke off is no XML.
    private static bool IsOfTheLine(Exception error) => error is HttpRequestException or IOException or TimeoutRejectedException or XmlException;

    private static bool MayPass(Exception error) => error switch
    {
        AmazonServiceException { StatusCode: >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented } => true,
        AmazonServiceException { StatusCode: HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout } => true,
        AmazonServiceException { ErrorCode: "SlowDown" or "RequestTimeout" or "Throttling" or "ConditionalRequestConflict" or "OperationAborted" } => true,
        AmazonServiceException { ErrorCode: "BadDigest" or "XAmzContentSHA256Mismatch" or "IncompleteBody" } => true,
        AmazonServiceException { StatusCode: >= HttpStatusCode.BadRequest } => false,
        _ when IsOfTheLine(error) => true,
        { InnerException: { } inner } => MayPass(inner),
        _ => false,
    };

    private static XkdException Named(string what, int tries, Exception error)
    {
        var said = $"cannot {what}: {(error is AmazonServiceException { ErrorCode.Length: > 0 } service ? $"{service.ErrorCode}, " : "")}{error.Message}";
        return error switch
        {
            AmazonServiceException { ErrorCode: "NoSuchBucket" } => new UsageException($"{said}: make the bucket, or name another", error),
            AmazonServiceException { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } =>
                new UsageException(
                    $"{said}: check the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE), the region (AWS_REGION) and the bucket's policy", error),
            _ when error is AmazonServiceException || MayPass(error) => new FailureException(
                $"{said} ({tries} {(tries == 1 ? "try" : "tries")}): check the service and AWS_ENDPOINT_URL_S3, and run the same command again; what was "
                + "committed is safe",
                error),
            _ => new UsageException($"{said}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", error),
        };
    }
}
