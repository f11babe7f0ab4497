using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>A disk whose operations of one kind fail as often as is said.</summary>
internal sealed class FailingDisk(string failing) : DurableFiles
{
    public int Failures { get; set; }

    protected override void Before(string operation, string path)
    {
        if (operation != failing || Failures == 0) return;
        Failures--;
        throw new IOException("Input/output error");
    }
}
