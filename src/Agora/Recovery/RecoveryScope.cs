using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>What a PGR is taken over.</summary>
public abstract record RecoveryScope
{
    private RecoveryScope() { }

    /// <summary>One benchmark of one setting.</summary>
    public sealed record OneBenchmark(Setting Setting, string Benchmark) : RecoveryScope
    {
        public override string ToString() => $"{Setting}/{Benchmark}";
    }

    /// <summary>Mean over the benchmarks of the setting's domain.</summary>
    public sealed record OneSetting(Setting Setting) : RecoveryScope
    {
        public override string ToString() => Setting.ToString();
    }

    /// <summary>Mean over the method's settings.</summary>
    public sealed record OneMethod(GenerationMethod Method) : RecoveryScope
    {
        public override string ToString() => Method.Name();
    }

    /// <summary>Mean over the domain's settings.</summary>
    public sealed record OneDomain(Domain Domain) : RecoveryScope
    {
        public override string ToString() => Domain.Name();
    }

    /// <summary>Mean over all settings: the generator's data generation ability.</summary>
    public sealed record Overall : RecoveryScope
    {
        public override string ToString() => "overall";
    }
}
