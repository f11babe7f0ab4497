using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Agora.LanguageModels;
using Microsoft.Win32.SafeHandles;

namespace Agora.Runs;

/// <summary>Beside a step's journal: the requests to one model that are under way, in places of one size that are used again and again.</summary>
/// <remarks>
/// The file is as long as there were ever requests under way at once, and each is written twice: before it is sent, and once its answer is in the journal. It is not synced: what the kernel was given outlives
/// the process, and after a loss of power the journal has lost its last seconds, too. Safe for use from many threads.
/// </remarks>
internal sealed class SentRequestFile(string folder, string modelIdentity, DurableFiles? disk = null) : ISentRequests, IDisposable
{
    public const string Prefix = "sent-";

    // Times, most input tokens, most output tokens, key.
    private const int Numbers = 3 * sizeof(long);
    private const int KeyLength = 64;
    private const int Place = Numbers + KeyLength;

    private readonly Lock gate = new();
    private readonly Stack<int> free = [];
    private readonly string path = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}");
    private readonly byte[] head = Head(modelIdentity);
    private SafeFileHandle? file;
    private int places;
    private bool disposed;

    public void Note(SentRequest request)
    {
        Span<byte> record = stackalloc byte[Place];
        BinaryPrimitives.WriteInt64LittleEndian(record, request.Times);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], request.MostInputTokens);
        BinaryPrimitives.WriteInt64LittleEndian(record[16..], request.MostOutputTokens);
        if (request.Key.Length != KeyLength || Encoding.ASCII.GetBytes(request.Key, record[Numbers..]) != KeyLength)
            throw new ArgumentException("a key is 64 hexadecimal digits", nameof(request));
        SafeFileHandle open;
        lock (gate)
        {
            if (disposed)
                return;     // a step that has ended leaves stragglers as they are noted
            if (request.Place < 0)
                request.Place = free.TryPop(out var left) ? left : places++;
            open = file ??= (disk ?? DurableFiles.Instance).CreateWith(path, head);
        }
        try
        {
            RandomAccess.Write(open, record, head.Length + (long)Place * request.Place);
        }
        catch (ObjectDisposedException)
        {
            return;     // the step has ended at this very moment
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
        if (request.Times > 0)
            return;
        lock (gate)
            free.Push(request.Place);
        request.Place = -1;
    }

    /// <summary>Removes the file where nothing is under way; what is stays for whoever opens the step next.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
                return;
            disposed = true;
            file?.Dispose();
            if (file is not null && free.Count == places)
                File.Delete(path);
        }
    }

    /// <summary>What stands in the files of a folder; a file that is written at the same time is read as it is.</summary>
    public static ImmutableArray<LeftRequest> Read(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        var left = ImmutableArray.CreateBuilder<LeftRequest>();
        foreach (var path in Directory.GetFiles(folder, Prefix + "*").Order(StringComparer.Ordinal))
        {
            byte[] bytes;
            try
            {
                bytes = File.ReadAllBytes(path);
            }
            catch (FileNotFoundException)
            {
                continue;
            }
            // A process that died while it wrote the beginning had sent nothing.
            if (bytes.Length < sizeof(int) || BinaryPrimitives.ReadInt32LittleEndian(bytes) is var length && (length < 0 || bytes.Length < sizeof(int) + length))
                continue;
            var model = Encoding.UTF8.GetString(bytes, sizeof(int), length);
            var place = 0;
            for (var at = sizeof(int) + length; at + Place <= bytes.Length; at += Place, place++)
                if (BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)) is > 0 and var times)
                    left.Add(new LeftRequest($"{Path.GetFileName(path)}:{place}", model, Encoding.ASCII.GetString(bytes, at + Numbers, KeyLength), times,
                        BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + 8)), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + 16))));
        }
        return left.ToImmutable();
    }

    /// <summary>Puts what a killed process left under way into the journal, as sendings without answer, and removes the files. Only for who holds the step.</summary>
    public static void TakeUp(string folder, IJournal journal)
    {
        foreach (var one in Read(folder))
            if (!journal.TryGet(one.Key, out _))
                // The same record under the same key, if this process is killed here in turn.
                journal.Append($"{JournalRecord.GivenUpPrefix}{one.Name}", new JournalRecord { By = one.Model, Failed = one.Attempts }.Write());
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, Prefix + "*") : [])
            File.Delete(path);
    }

    private static byte[] Head(string modelIdentity)
    {
        var text = Encoding.UTF8.GetBytes(modelIdentity);
        var head = new byte[sizeof(int) + text.Length];
        BinaryPrimitives.WriteInt32LittleEndian(head, text.Length);
        text.CopyTo(head, sizeof(int));
        return head;
    }
}

/// <summary>A request that a process had sent, and whose answer it did not write down.</summary>
/// <param name="Name">Of its place in its file.</param>
/// <param name="Key">Under which the answer would stand in the journal.</param>
internal readonly record struct LeftRequest(string Name, string Model, string Key, long Times, long MostInputTokens, long MostOutputTokens)
{
    public ImmutableArray<FailedAttempt> Attempts => [.. Enumerable.Repeat(new FailedAttempt(FailedAttempt.Interrupted, MostInputTokens, MostOutputTokens), (int)Math.Min(Times, 1000))];
}
