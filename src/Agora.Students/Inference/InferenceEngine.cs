using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;

namespace Agora.Students.Inference;

/// <summary>Runs one model for many callers at once: answers, losses, embeddings, scores.</summary>
/// <remarks>
/// On the CPU the managed kernels are batch-invariant: what a request yields is bit for bit the same alone, among others, with any number of threads and after any resume, because every sum is
/// taken in an order that the request alone decides. Safe for concurrent use.
/// </remarks>
public sealed class InferenceEngine : IDisposable
{
    private readonly IDeviceModel model;
    private readonly KeyValueCache cache;
    private readonly AdmissionQueue queue;
    private readonly Worker[] workers;
    private readonly GenerationConfig generation;
    private readonly EngineCounters counters = new();
    private bool disposed;

    private InferenceEngine(string folder, IDeviceModel model, Tokenizer tokenizer, GenerationConfig generation, long? cacheBytes)
    {
        Folder = folder;
        Tokenizer = tokenizer;
        this.model = model;
        this.generation = generation;
        var pages = model.NewPages(cacheBytes);
        cache = new KeyValueCache(pages, counters);
        queue = new AdmissionQueue(cache, model.Workers, model.SlotsPerWorker);
        workers = new Worker[model.Workers];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = new Worker($"inference {Path.GetFileName(folder)} {i}", model.NewPass(cache, pages), cache, queue, counters);
    }

    public string Folder { get; }

    public TransformerConfig Config => model.Config;

    /// <summary>For people: what computes, where and in which type.</summary>
    public string Description => model.Description;

    public Tokenizer Tokenizer { get; }

    /// <summary>Requests waiting or running.</summary>
    public int Pending
    {
        get
        {
            var (waiting, running) = queue.Lengths;
            return waiting + running;
        }
    }

    /// <summary>Memory of keys and values in use, prefixes kept for later prompts included, in pages of 16 positions.</summary>
    public int CachePages => cache.RentedPages;

    public EngineActivity Activity
    {
        get
        {
            var (waiting, running) = queue.Lengths;
            return new EngineActivity(waiting, running, cache.RentedPages, cache.SharedPages, cache.Pages.Capacity, counters.Read, counters.Cached, counters.Drawn);
        }
    }

    /// <param name="modelFolder">Hugging Face format: config.json, *.safetensors, tokenizer.json.</param>
    /// <param name="threads">Of the CPU, where it computes; one per core is best.</param>
    /// <param name="cacheBytes">Upper bound of the memory for keys and values; null: 768 MiB on the CPU, four fifths of what is free on a CUDA device. One full context always fits.</param>
    /// <param name="device">Where it computes; auto, cpu or cuda:N.</param>
    /// <exception cref="AgoraException">Folder, weights or tokenizer are missing, broken or not supported, a weight is NaN, or the device is not there or too small.</exception>
    public static InferenceEngine Load(string modelFolder, int threads, long? cacheBytes = null, string device = DeviceChoice.Auto)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        return LoadWith(modelFolder, checkpoint => DeviceChoice.Load(checkpoint, device, threads), cacheBytes);
    }

    internal static InferenceEngine LoadWith(string modelFolder, Func<CheckpointFolder, IDeviceModel> load, long? cacheBytes = null)
    {
        using var checkpoint = CheckpointFolder.Open(modelFolder);
        var tokenizer = Tokenizer.Load(modelFolder);
        var generation = GenerationConfig.Read(modelFolder, checkpoint.Config);
        var model = load(checkpoint);
        try
        {
            return new InferenceEngine(modelFolder, model, tokenizer, generation, cacheBytes);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <param name="promptIds">May be special tokens alone: a begin token is how a text is begun.</param>
    /// <exception cref="AgoraException">The prompt is empty, has a token that the model does not know or leaves no room in the context; more tokens are asked
    /// for than the context holds; or the model is a reward model.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A parameter lies outside its range.</exception>
    public Task<Completion> CompleteAsync(ReadOnlySpan<int> promptIds, SamplingParameters parameters, CancellationToken cancellationToken = default)
    {
        var sequence = Prepare(promptIds, parameters, null);
        Enqueue(sequence, cancellationToken);
        return sequence.Result;
    }

    /// <summary>The same answer, piece by piece; leaving early frees its place.</summary>
    /// <exception cref="AgoraException">As <see cref="CompleteAsync"/>.</exception>
    public IAsyncEnumerable<CompletionPiece> StreamAsync(int[] promptIds, SamplingParameters parameters, CancellationToken cancellationToken = default)
    {
        var pieces = Channel.CreateUnbounded<CompletionPiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });
        var sequence = Prepare(promptIds, parameters, pieces.Writer);
        return Read(cancellationToken);

        async IAsyncEnumerable<CompletionPiece> Read([EnumeratorCancellation] CancellationToken stopToken)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopToken);
            Enqueue(sequence, stop.Token);
            try
            {
                await foreach (var piece in pieces.Reader.ReadAllAsync(stopToken))
                    yield return piece;
            }
            finally
            {
                await stop.CancelAsync();
                // The answer's fault, if any, has reached the reader through the channel.
                await sequence.Result.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    /// <returns>Negative log-likelihood in nats of each token from <paramref name="from"/> on, given all before it.</returns>
    /// <param name="from">At least 1: nothing predicts the first token.</param>
    /// <exception cref="AgoraException">More tokens than the context holds, or the model is a reward model.</exception>
    public Task<float[]> TokenLossesAsync(ReadOnlySpan<int> ids, int from, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        RequireHead(ModelHead.LanguageModel);
        CheckTokens(ids, ids.Length);
        if (from >= ids.Length)
            return Task.FromResult<float[]>([]);
        var sequence = new LossMeasurement(ids, from);
        Enqueue(sequence, cancellationToken);
        return sequence.Result;
    }

    /// <returns>How likely the model holds each token from <paramref name="from"/> on, given all before it.</returns>
    /// <param name="from">At least 1: nothing predicts the first token.</param>
    /// <param name="alternatives">How many of the most likely tokens are reported beside each.</param>
    /// <exception cref="AgoraException">More tokens than the context holds, or the model is a reward model.</exception>
    public Task<IReadOnlyList<TokenLogProbability>> TokenLogProbabilitiesAsync(ReadOnlySpan<int> ids, int from, int alternatives, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        RequireHead(ModelHead.LanguageModel);
        CheckTokens(ids, ids.Length);
        if (from >= ids.Length)
            return Task.FromResult<IReadOnlyList<TokenLogProbability>>([]);
        var sequence = new LogProbabilityMeasurement(ids, from, alternatives);
        Enqueue(sequence, cancellationToken);
        return sequence.Result;
    }

    /// <returns>[HiddenSize]: the mean over all tokens of the final hidden state, not normalised to length 1.</returns>
    /// <exception cref="AgoraException">More tokens than the context holds, or nothing but special tokens.</exception>
    public Task<float[]> EmbedAsync(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default)
    {
        CheckTokens(ids, ids.Length);
        RequireText(ids, "embed");
        var sequence = new EmbeddingMeasurement(ids);
        Enqueue(sequence, cancellationToken);
        return sequence.Result;
    }

    /// <summary>A reward model's score of a whole conversation, read at its last token.</summary>
    /// <exception cref="AgoraException">More tokens than the context holds, nothing but special tokens, or the model has no score head.</exception>
    public Task<float> ScoreAsync(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default)
    {
        RequireHead(ModelHead.Score);
        CheckTokens(ids, ids.Length);
        RequireText(ids, "score");
        var sequence = new ScoreMeasurement(ids);
        Enqueue(sequence, cancellationToken);
        return sequence.Result;
    }

    /// <summary>Requests that are not finished fail with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        foreach (var sequence in queue.Close())
        {
            sequence.Fail(new ObjectDisposedException(nameof(InferenceEngine)));
            sequence.Unregister();
        }
        foreach (var worker in workers)
            worker.Dispose();
        queue.Dispose();
        cache.Dispose();
        model.Dispose();
    }

    private Generation Prepare(ReadOnlySpan<int> promptIds, SamplingParameters parameters, ChannelWriter<CompletionPiece>? pieces)
    {
        parameters.Check();
        RequireHead(ModelHead.LanguageModel);
        CheckTokens(promptIds, promptIds.Length + 1);
        if (parameters.MaxTokens > Config.MaxPositions)
            throw new AgoraException(
                $"an answer of up to {parameters.MaxTokens} tokens is more than the model's context of {Config.MaxPositions}", Folder,
                $"ask for at most {Config.MaxPositions} new tokens, or name no limit: the answer then ends where the context does");
        var room = Config.MaxPositions - promptIds.Length;
        var maxLength = promptIds.Length + Math.Min(room, parameters.MaxTokens ?? room);
        return new Generation(promptIds, maxLength, parameters, Tokenizer, parameters.EndTokens ?? generation.EndOfSequenceIds, Config.VocabularySize, pieces);
    }

    internal void Enqueue(Sequence sequence, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        sequence.CancelWith(queue.Withdraw, cancellationToken);
        queue.Add(sequence);
    }

    private void RequireHead(ModelHead wanted)
    {
        if (Config.Head == wanted)
            return;
        throw wanted == ModelHead.Score
            ? new AgoraException("the model has no score head", Folder, "name a reward model (a *ForSequenceClassification checkpoint with one label)")
            : new AgoraException("the model is a reward model and cannot write or judge the likelihood of text", Folder, "name a *ForCausalLM checkpoint");
    }

    private void CheckTokens(ReadOnlySpan<int> ids, int needed)
    {
        if (ids.IsEmpty)
            throw new AgoraException("the text is empty: the model needs at least one token, and its tokenizer adds none of its own", Folder, "give a text");
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)Config.VocabularySize)
                throw new AgoraException($"token {id} has no row in the model's embedding: ids run from 0 to {Config.VocabularySize - 1}", Folder, "take the tokenizer that belongs to the weights");
        }
        if (needed > Config.MaxPositions)
            throw new AgoraException(
                $"a text of {ids.Length} tokens does not fit the model's context of {Config.MaxPositions}" + (needed > ids.Length ? " and leave room for an answer" : ""),
                Folder, "shorten the text, or use a model with a longer context (max_position_embeddings)");
    }

    // Their state says how the template begins, nothing about a text.
    private void RequireText(ReadOnlySpan<int> ids, string toDo)
    {
        foreach (var id in ids)
        {
            if (!Tokenizer.IsSpecial(id))
                return;
        }
        throw new AgoraException($"the text holds nothing but special tokens, so there is nothing to {toDo}", Folder, "leave the row out, or give a text");
    }
}
