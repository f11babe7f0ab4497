using System.Numerics.Tensors;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Microsoft.Extensions.AI;
using Microsoft.ML.OnnxRuntime;

namespace Agora.Students.Embeddings;

/// <summary>Texts as vectors by a sentence model in ONNX, as sentence-transformers computes them: pooled hidden states of the last layer, scaled to length 1. Safe for concurrent use.</summary>
/// <remarks>Each text runs alone, on one thread, without padding: its vector has the same bits in any company, so that a resume that embeds the rest ends with the same bytes. Texts run side by side.</remarks>
public sealed class OnnxSentenceModel : IEmbeddingGenerator<string, Embedding<float>>
{
    // The output of a model that pools by itself.
    private const string Whole = "sentence_embedding";

    private readonly SentenceModelFolder folder;
    private readonly InferenceSession session;
    private readonly int parallel;

    private OnnxSentenceModel(SentenceModelFolder folder, InferenceSession session, int parallel) => (this.folder, this.session, this.parallel) = (folder, session, parallel);

    /// <summary>Whether the folder holds an ONNX model.</summary>
    public static bool IsAt(string folder) => SentenceModelFolder.IsAt(folder);

    /// <param name="parallel">Texts at once.</param>
    /// <exception cref="AgoraException">A file is missing or bad, or the model is none of token ids.</exception>
    public static OnnxSentenceModel Load(string folder, int parallel)
    {
        var files = SentenceModelFolder.Read(folder);
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        InferenceSession session;
        try
        {
            session = new InferenceSession(files.Model, options);
        }
        catch (OnnxRuntimeException fault)
        {
            throw new AgoraException($"no ONNX model that can be run: {fault.Message}", files.Model, "take the file that came with the model, exported to ONNX", fault);
        }
        if (files.OtherModules is [var module, ..] && !session.OutputMetadata.ContainsKey(Whole))
        {
            session.Dispose();
            throw new AgoraException($"the sentence model has a module {module} after its pooling, which is not supported", Path.Combine(folder, "modules.json"), $"export the whole sentence model to ONNX, with an output {Whole}, or take one that pools only");
        }
        string[] unknown = [.. session.InputMetadata.Keys.Except(["input_ids", "attention_mask", "token_type_ids"])];
        if (unknown.Length == 0 && session.InputMetadata.ContainsKey("input_ids"))
            return new OnnxSentenceModel(files, session, parallel);
        session.Dispose();
        throw new AgoraException(unknown.Length == 0 ? "the model takes no input_ids" : $"the model takes {string.Join(", ", unknown)}, which is not supported", files.Model, "export a sentence model that takes input_ids, attention_mask and token_type_ids");
    }

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values.ToList();
        var vectors = new float[texts.Count][];
        var read = 0L;
        await Parallel.ForAsync(0, texts.Count, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, (place, _) =>
        {
            var tokens = Tokens(texts[place]);
            Interlocked.Add(ref read, tokens.Length);
            vectors[place] = Embed(tokens);
            return ValueTask.CompletedTask;
        });
        if (options?.Dimensions is { } wanted && vectors.FirstOrDefault()?.Length is { } given && wanted != given)
            throw new NotSupportedException($"the model's embeddings have {given} dimensions, not {wanted}");
        return new GeneratedEmbeddings<Embedding<float>>(vectors.Select(vector => new Embedding<float>(vector) { ModelId = folder.Model }))
        {
            Usage = new UsageDetails { InputTokenCount = read, TotalTokenCount = read },
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => session.Dispose();

    /// <summary>Ids of the text's tokens and of those around it, cut to what the model takes. White space at the ends goes first, as in sentence-transformers.</summary>
    internal long[] Tokens(string text)
    {
        text = TemplateMethods.Strip(text, characters: null, left: true, right: true);
        return Array.ConvertAll(folder.Tokenizer.EncodeWithin(folder.Lowers ? PythonCase.Lower(text) : text, folder.MostTokens), id => (long)id);
    }

    private float[] Embed(long[] tokens)
    {
        long[] shape = [1, tokens.Length];
        using var ids = OrtValue.CreateTensorValueFromMemory(tokens, shape);
        using var mask = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, tokens.Length).ToArray(), shape);
        using var types = OrtValue.CreateTensorValueFromMemory(new long[tokens.Length], shape);
        var inputs = new Dictionary<string, OrtValue>();
        foreach (var (name, value) in ((string, OrtValue)[])[("input_ids", ids), ("attention_mask", mask), ("token_type_ids", types)])
            if (session.InputMetadata.ContainsKey(name))
                inputs.Add(name, value);
        try
        {
            using var run = new RunOptions();
            using var outputs = session.Run(run, inputs, [session.OutputMetadata.ContainsKey(Whole) ? Whole : session.OutputNames[0]]);
            var form = outputs[0].GetTensorTypeAndShape();
            return Unit(form.Shape switch
            {
                [1, var width] when width > 0 => outputs[0].GetTensorDataAsSpan<float>().ToArray(),
                [1, var length, var width] when length == tokens.Length && width > 0 => Pooled(outputs[0].GetTensorDataAsSpan<float>(), tokens.Length, (int)width),
                _ => throw new AgoraException($"the model's output has the shape [{string.Join(", ", form.Shape)}] for [1, {tokens.Length}] tokens", folder.Model, "export a sentence model whose first output is last_hidden_state or sentence_embedding"),
            });
        }
        catch (OnnxRuntimeException fault)
        {
            throw new AgoraException($"the model failed on a text of {tokens.Length} tokens: {fault.Message}", folder.Model, "see that vocabulary and model belong together and that max_seq_length is not above the model's positions", fault);
        }
    }

    // Without padding every position counts, the special tokens' too, as in sentence-transformers.
    private float[] Pooled(ReadOnlySpan<float> states, int length, int width)
    {
        if (folder.Pooling == SentencePooling.First)
            return states[..width].ToArray();
        var sum = new double[width];
        for (var token = 0; token < length; token++)
            for (var entry = 0; entry < width; entry++)
                sum[entry] += states[token * width + entry];
        return Array.ConvertAll(sum, value => (float)(value / length));
    }

    // A vector without direction stays as it is, and whoever measures with it counts it.
    private static float[] Unit(float[] vector)
    {
        var length = Math.Sqrt(TensorPrimitives.SumOfSquares<float>(vector));
        return length > 0 && double.IsFinite(length) ? Array.ConvertAll(vector, value => (float)(value / length)) : vector;
    }
}
