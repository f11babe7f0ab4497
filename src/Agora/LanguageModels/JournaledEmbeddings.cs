using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Keeps every vector in a journal before anybody uses it, and asks for those alone that the journal lacks: a resume sees the vectors that were seen before.</summary>
/// <param name="modelIdentity">What <see cref="ILanguageModels.IdentifyAsync"/> says about the model behind <paramref name="inner"/>.</param>
public sealed class JournaledEmbeddings(IEmbeddingGenerator<string, Embedding<float>> inner, IJournal journal, string modelIdentity) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options is not null) throw new NotSupportedException("options are not journalled");
        (string Text, string Key)[] wanted = [.. values.Select(text => (text, Key(text)))];
        var missing = wanted.Where(one => !journal.TryGet(one.Key, out _)).DistinctBy(one => one.Key).ToArray();
        if (missing.Length > 0)
        {
            var made = await base.GenerateAsync(missing.Select(one => one.Text), null, cancellationToken);
            if (made.Count != missing.Length)
                throw new AgoraException($"the embedding model gave {made.Count} vectors for {missing.Length} texts", modelIdentity, "use a model that gives one vector for each text");
            foreach (var (one, embedding) in missing.Zip(made))
                journal.Append(one.Key, Convert.ToBase64String(MemoryMarshal.AsBytes(embedding.Vector.Span)));
        }
        return new GeneratedEmbeddings<Embedding<float>>(wanted.Select(one => journal.TryGet(one.Key, out var record)
            ? new Embedding<float>(MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(record)).ToArray())
            : throw new InvalidOperationException("a vector that was just written is not in the journal")));
    }

    private string Key(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"embedding\0{modelIdentity}\0{text}")));
}
