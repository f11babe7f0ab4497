using System.Globalization;
using System.Text;
using Agora.Students.Inference;

namespace Agora.Cli.Serving;

/// <summary>What GET /metrics answers, in Prometheus' text format 0.0.4. Safe for concurrent use.</summary>
internal sealed class ServerMetrics
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<(string Endpoint, int Status), long> requests = [];
    private readonly SortedDictionary<string, Histogram> durations = new(StringComparer.Ordinal);
    private readonly Histogram firstTokens = new();
    private long left;

    /// <param name="status">Of the answer; a client that left before it is counted apart.</param>
    public void Answered(string endpoint, int status, TimeSpan duration)
    {
        lock (gate)
        {
            requests[(endpoint, status)] = requests.GetValueOrDefault((endpoint, status)) + 1;
            if (status != 200)
                return;
            if (!durations.TryGetValue(endpoint, out var histogram))
                durations.Add(endpoint, histogram = new Histogram());
            histogram.Add(duration.TotalSeconds);
        }
    }

    public void ClientLeft()
    {
        lock (gate)
            left++;
    }

    /// <summary>The first piece of a streamed answer went out.</summary>
    public void FirstToken(TimeSpan afterRequest)
    {
        lock (gate)
            firstTokens.Add(afterRequest.TotalSeconds);
    }

    /// <param name="inside">Requests that the server works on.</param>
    public string Render(string model, EngineActivity activity, int inside, int capacity)
    {
        var text = new Page(model);
        lock (gate)
        {
            text.Begin("agora_requests_total", "counter", "Requests answered, by endpoint and HTTP status.");
            foreach (var ((endpoint, status), count) in requests)
                text.Sample("agora_requests_total", count, ("endpoint", endpoint), ("status", status.ToString(CultureInfo.InvariantCulture)));
            text.Single("agora_requests_abandoned_total", "counter", "Requests whose client left before the answer was complete.", left);
            text.Single("agora_requests_inside", "gauge", "Requests that have not been answered yet.", inside);
            text.Single("agora_requests_limit", "gauge", "Requests that are let in; one more is answered 429.", capacity);
            text.Single("agora_sequences_waiting", "gauge", "Queue: sequences without a place in a batch.", activity.Waiting);
            text.Single("agora_sequences_running", "gauge", "Sequences in some batch.", activity.Running);
            text.Single("agora_cache_pages", "gauge", "Pages of the key-value cache in use, shared ones included.", activity.CachePages);
            text.Single("agora_cache_shared_pages", "gauge", "Pages kept for later prompts that begin alike.", activity.SharedCachePages);
            text.Single("agora_cache_capacity_pages", "gauge", "Pages of the key-value cache that may be in use.", activity.CacheCapacity);
            text.Single("agora_prompt_tokens_total", "counter", "Tokens of prompts and texts that were read.", activity.PromptTokens);
            text.Single("agora_cached_prompt_tokens_total", "counter", "Tokens of prompts found in the cache.", activity.CachedPromptTokens);
            text.Single("agora_generated_tokens_total", "counter", "Tokens written.", activity.GeneratedTokens);
            text.Single("agora_process_resident_bytes", "gauge", "Memory of the process.", Environment.WorkingSet);
            text.Begin("agora_request_duration_seconds", "histogram", "From the request's arrival to the end of its answer, answers with status 200.");
            foreach (var (endpoint, histogram) in durations)
                text.Histogram("agora_request_duration_seconds", histogram, ("endpoint", endpoint));
            text.Begin("agora_time_to_first_token_seconds", "histogram", "From the request's arrival to the first text of a streamed answer.");
            text.Histogram("agora_time_to_first_token_seconds", firstTokens);
        }
        return text.ToString();
    }

    private sealed class Histogram
    {
        // Seconds: from a tiny model's whole answer to minutes of a large one's.
        public static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

        private readonly long[] counts = new long[Bounds.Length + 1];

        public double Sum { get; private set; }

        public void Add(double seconds)
        {
            var bucket = Array.FindIndex(Bounds, bound => seconds <= bound);
            counts[bucket < 0 ? Bounds.Length : bucket]++;
            Sum += seconds;
        }

        /// <summary>How many were at most each bound, and last how many there were.</summary>
        public IEnumerable<long> Cumulative()
        {
            var sum = 0L;
            foreach (var count in counts)
                yield return sum += count;
        }
    }

    private sealed class Page(string model)
    {
        private readonly StringBuilder text = new();

        public void Begin(string name, string kind, string help) =>
            text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(kind).Append('\n');

        public void Single(string name, string kind, string help, double value)
        {
            Begin(name, kind, help);
            Sample(name, value);
        }

        public void Sample(string name, double value, params ReadOnlySpan<(string Name, string Value)> labels)
        {
            text.Append(name).Append("{model=\"").Append(Escaped(model)).Append('"');
            foreach (var (label, labelled) in labels)
                text.Append(',').Append(label).Append("=\"").Append(Escaped(labelled)).Append('"');
            text.Append("} ").Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }

        public void Histogram(string name, Histogram histogram, params ReadOnlySpan<(string Name, string Value)> labels)
        {
            var bucket = 0;
            var count = 0L;
            foreach (var atMost in histogram.Cumulative())
            {
                var bound = bucket < ServerMetrics.Histogram.Bounds.Length ? ServerMetrics.Histogram.Bounds[bucket].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
                Sample(name + "_bucket", atMost, [.. labels, ("le", bound)]);
                count = atMost;
                bucket++;
            }
            Sample(name + "_sum", histogram.Sum, labels);
            Sample(name + "_count", count, labels);
        }

        public override string ToString() => text.ToString();

        private static string Escaped(string value) =>
            value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
    }
}
