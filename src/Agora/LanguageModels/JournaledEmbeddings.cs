using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Keeps every vector in a journal before anybody uses it, and asks for those alone that the journal lacks: a resume sees the vectors that were seen before.</summary>
/// <remarks>Texts go in requests of bounded size, several at once; what each request cost is in the journal, too, before its vectors are.</remarks>
/// <param name="modelIdentity">What <see cref="ILanguageModels.IdentifyAsync"/> says about the model behind <paramref name="inner"/>.</param>
/// <param name="sent">Where it stands what is under way; null where nobody asks for that after a kill.</param>
public sealed class JournaledEmbeddings(IEmbeddingGenerator<string, Embedding<float>> inner, IJournal journal, string modelIdentity, ISentRequests? sent = null, int maxParallel = 1)
    : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    /// <summary>Of one request: endpoints take a few hundred at least, OpenAI's 2,048 with 300,000 tokens in all.</summary>
    internal const int MostTexts = 128;
    private const int MostCharacters = 200_000;

    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options is not null) throw new NotSupportedException("options are not journalled");
        (string Text, string Key)[] wanted = [.. values.Select(text => (text, Key(text)))];
        var missing = wanted.Where(one => !journal.TryGet(one.Key, out _)).DistinctBy(one => one.Key).ToArray();
        await Parallel.ForEachAsync(Requests(missing), new ParallelOptions { MaxDegreeOfParallelism = maxParallel, CancellationToken = cancellationToken }, async (texts, stop) => await AskAsync(texts, stop));
        return new GeneratedEmbeddings<Embedding<float>>(wanted.Select(one => journal.TryGet(one.Key, out var record)
            ? new Embedding<float>(MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(record)).ToArray())
            : throw new InvalidOperationException("a vector that was just written is not in the journal")));
    }

    private static IEnumerable<(string Text, string Key)[]> Requests((string Text, string Key)[] missing)
    {
        for (int start = 0, end; start < missing.Length; start = end)
        {
            var characters = missing[start].Text.Length;
            for (end = start + 1; end < missing.Length && end - start < MostTexts && (characters += missing[end].Text.Length) <= MostCharacters;) end++;
            yield return missing[start..end];
        }
    }

    private async Task AskAsync((string Text, string Key)[] texts, CancellationToken cancellationToken)
    {
        // Another one each time: the same texts may be paid for twice where a process died in between.
        var request = Convert.ToHexStringLower(SHA256.HashData(Guid.NewGuid().ToByteArray()));
        var underWay = sent is null ? null : new SentRequest(sent, request);
        SentRequest.Current = underWay;
        GeneratedEmbeddings<Embedding<float>> made;
        try
        {
            made = await base.GenerateAsync(texts.Select(one => one.Text), null, cancellationToken);
        }
        catch (Exception fault) when (FailedAttempt.Before(fault) is { IsEmpty: false } failed)
        {
            journal.Append(JournalRecord.GivenUpPrefix + request, new JournalRecord { By = modelIdentity, Failed = failed }.Write());
            underWay?.Recorded();
            throw;
        }
        // A model in this process sends nothing and charges for nothing.
        if (PacedEmbeddings.IsRequest(made))
            journal.Append(request, new JournalRecord { Text = "", By = modelIdentity, InputTokens = made.Usage?.InputTokenCount, OutputTokens = made.Usage?.OutputTokenCount, Failed = JournalRecord.None(FailedAttempt.Before(made)) }.Write());
        underWay?.Recorded();
        if (made.Count != texts.Length)
            throw new AgoraException($"the embedding model gave {made.Count} vectors for {texts.Length} texts", modelIdentity, "use a model that gives one vector for each text");
        foreach (var (one, embedding) in texts.Zip(made))
            journal.Append(one.Key, Convert.ToBase64String(MemoryMarshal.AsBytes(embedding.Vector.Span)));
    }

    private string Key(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"embedding\0{modelIdentity}\0{text}")));
}
