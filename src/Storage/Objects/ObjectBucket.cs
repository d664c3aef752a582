using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Xkd.Storage;

/// <summary>The objects of one cache: every call on the service, by names below the cache's prefix, tried again where that may help.</summary>
internal sealed class ObjectBucket : IDisposable
{
    private readonly ObjectAddress _address;
    private readonly AmazonS3Client _client;
    private readonly ObjectRetries _retries;

    public ObjectBucket(ObjectAddress address, ObjectStoreOptions options, TimeProvider time)
    {
        _address = address;
        Piece = options.PieceBytes;
        _retries = new ObjectRetries(options, time);
        AmazonS3Config config = new()
        {
            MaxErrorRetry = 0,
            ForcePathStyle = options.Endpoint is not null,

            // The body's SHA-256 is signed with the request: a service refuses what was damaged on its way. Not all understand trailing checksums besides.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(region);
        }

        try
        {
            _client = new AmazonS3Client(config);
        }
        catch (AmazonClientException e)
        {
            throw new UsageException($"{address}: {e.Message}: set AWS_REGION, or AWS_ENDPOINT_URL_S3 for a service of your own", e);
        }
    }

    /// <summary>What goes over the wire in one call, in bytes, so that one that breaks off costs no more than this.</summary>
    public int Piece { get; }

    /// <summary>Objects of a folder, not of those below it.</summary>
    public IReadOnlyList<StoredFile> List(string folder)
    {
        List<StoredFile> files = [];
        string? next = null;
        do
        {
            var page = _retries.Run($"list {_address}/{folder}", (_, ct) => _client.ListObjectsV2Async(
                new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = Key(folder), Delimiter = "/", ContinuationToken = next }, ct));
            files.AddRange((page.S3Objects ?? []).Where(o => o.Key.StartsWith(_address.Prefix, StringComparison.Ordinal))
                .Select(o => new StoredFile(o.Key[_address.Prefix.Length..], o.Size ?? 0)));
            next = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (next is not null);
        return files;
    }

    /// <summary>Bytes of an object from an offset on, as many as there are and fit; null when there is no such object.</summary>
    public int? Read(string name, long offset, Memory<byte> destination, CancellationToken stop = default) =>
        destination.IsEmpty ? 0 : _retries.Run($"read {Named(name)}", async (_, ct) =>
    {
        try
        {
            using var answer = await _client.GetObjectAsync(
                new GetObjectRequest { BucketName = _address.Bucket, Key = Key(name), ByteRange = new ByteRange(offset, offset + destination.Length - 1) }, ct);
            if (offset > 0 && answer.HttpStatusCode != HttpStatusCode.PartialContent)
            {
                throw new FailureException($"{Named(name)}: the service gave the whole object for a part of it; it cannot hold caches");
            }

            var wanted = (int)Math.Min(destination.Length, answer.ContentLength);
            var read = await answer.ResponseStream.ReadAtLeastAsync(destination[..wanted], wanted, throwOnEndOfStream: false, ct);
            return read == wanted ? read : throw new EndOfStreamException($"the answer broke off after {read} of {wanted} bytes");
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return 0;
        }
        catch (AmazonS3Exception e) when (IsAbsent(e))
        {
            return (int?)null;
        }
    }, stop);

    /// <summary>Size of an object and what changes with its content; null when there is none.</summary>
    public (long Bytes, string Tag)? Head(string name) => _retries.Run($"look at {Named(name)}", async (_, ct) =>
    {
        try
        {
            var answer = await _client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = _address.Bucket, Key = Key(name) }, ct);
            return (answer.ContentLength, answer.ETag ?? "");
        }
        catch (AmazonS3Exception e) when (IsAbsent(e))
        {
            return ((long, string)?)null;
        }
    });

    /// <summary>Puts an object in place, of any that has the name.</summary>
    public void Put(string name, byte[] content) => _retries.Run($"write {Named(name)}", (_, ct) => _client.PutObjectAsync(Request(name, content), ct));

    /// <summary>Puts an object in place unless the name is taken.</summary>
    /// <returns>false when it is.</returns>
    public bool TryPut(string name, byte[] content, CancellationToken stop = default)
    {
        var put = _retries.Run($"write {Named(name)}", async (_, ct) =>
        {
            try
            {
                var request = Request(name, content);
                request.IfNoneMatch = "*";
                await _client.PutObjectAsync(request, ct);
                return true;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
            {
                return false;
            }
        }, stop);

        // A try that seemed to fail may have taken effect, and what lies between may send a request twice; then it is our own object that is in the way.
        return put || Holds(name, content);
    }

    /// <summary>Whether the service keeps to <c>If-None-Match: *</c>: then of several writers of one name one wins; else the last does, unnoticed.</summary>
    /// <param name="probe">Name of an object for this purpose, which stays.</param>
    public bool PutsConditionally(string probe)
    {
        try
        {
            return !TryPut(probe, "probe"u8.ToArray()) || !TryPut(probe, "probe again"u8.ToArray());
        }
        catch (FailureException e) when (e.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.NotImplemented or HttpStatusCode.BadRequest })
        {
            return false;
        }
    }

    /// <summary>Puts a local file in place, in pieces when it is large.</summary>
    public void PutFile(string name, string path)
    {
        var bytes = new FileInfo(path).Length;
        if (bytes <= Piece)
        {
            Put(name, File.ReadAllBytes(path));
        }
        else
        {
            PutPieces(name, path, bytes);
        }
    }

    /// <summary>Looks whether an object that nobody else writes arrived whole.</summary>
    /// <exception cref="FailureException">It did not.</exception>
    public void RequireBytes(string name, long bytes)
    {
        if (Head(name)?.Bytes is var found && found != bytes)
        {
            var there = found?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no";
            throw new FailureException($"{Named(name)} has {there} bytes after {bytes} were written: the service is not to be relied on");
        }
    }

    /// <summary>Removes an object; no error when it is gone.</summary>
    public void Delete(string name) =>
        _retries.Run(
            $"delete {Named(name)}", (_, ct) => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _address.Bucket, Key = Key(name) }, ct));

    public void Dispose() => _client.Dispose();

    private void PutPieces(string name, string path, long bytes)
    {
        var key = Key(name);
        var upload = _retries.Run($"write {Named(name)}", (_, ct) => _client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest { BucketName = _address.Bucket, Key = key }, ct)).UploadId;
        try
        {
            // A shard that outgrows ten thousand pieces of this size gets larger ones; the service takes no more.
            var piece = Math.Max(Piece, (bytes / 9999) + 1);
            var tags = new PartETag[(bytes + piece - 1) / piece];
            ParallelOptions four = new() { MaxDegreeOfParallelism = 4 };
            Parallel.For(0, tags.Length, four, i => tags[i] = new PartETag(i + 1, _retries.Run($"write {Named(name)}", (_, ct) =>
                _client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = _address.Bucket, Key = key, UploadId = upload, PartNumber = i + 1,
                        FilePath = path, FilePosition = i * piece, PartSize = Math.Min(piece, bytes - (i * piece)), UseChunkEncoding = false,
                    },
                    ct)).ETag));
            _retries.Run($"write {Named(name)}", async (attempt, ct) =>
            {
                try
                {
                    CompleteMultipartUploadRequest complete = new() { BucketName = _address.Bucket, Key = key, UploadId = upload, PartETags = [.. tags] };
                    await _client.CompleteMultipartUploadAsync(complete, ct);
                }
                catch (AmazonS3Exception e) when (attempt > 0 && e.ErrorCode == "NoSuchUpload")
                {
                    // The try before took effect although its answer was lost; the size is looked at next.
                }

                return true;
            });
        }
        catch (Exception e) when (e is XkdException or AggregateException)
        {
            Abandon(key, upload);
            throw e is AggregateException { InnerException: XkdException first } ? first : e;
        }
    }

    private void Abandon(string key, string upload)
    {
        try
        {
            AbortMultipartUploadRequest abort = new() { BucketName = _address.Bucket, Key = key, UploadId = upload };
            _retries.Run("abandon an upload", (_, ct) => _client.AbortMultipartUploadAsync(abort, ct));
        }
        catch (XkdException)
        {
            // The error that led here is the one to tell; a bucket's lifecycle rule removes what stays.
        }
    }

    private bool Holds(string name, byte[] content)
    {
        var found = new byte[content.Length + 1];
        return Read(name, 0, found) == content.Length && found.AsSpan(0, content.Length).SequenceEqual(content);
    }

    private PutObjectRequest Request(string name, byte[] content) =>
        new() { BucketName = _address.Bucket, Key = Key(name), InputStream = new MemoryStream(content), UseChunkEncoding = false };

    private string Key(string name) => _address.Prefix + name;

    private string Named(string name) => $"{_address}/{name}";

    private static bool IsAbsent(AmazonS3Exception e) => e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket";
}
