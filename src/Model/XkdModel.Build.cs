using Xkd.Model.Networks;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <content>Construction and initial values.</content>
public sealed partial class XkdModel
{
    /// <summary>Teachers and students have the same shapes, so that teachers can start as copies and follow by moving average.</summary>
    public bool TeachersMatchStudents => Options.Teacher == Options.Student;

    /// <summary>Makes each teacher a copy of its student. Does nothing where their sizes differ: such a pair has a forward pass only.</summary>
    public void CopyStudentsToTeachers()
    {
        if (!TeachersMatchStudents)
        {
            return;
        }

        using var unrecorded = no_grad();
        foreach (var (teacher, student) in new[] { (vid_teacher, vid_student), (aud_teacher, aud_student) })
        {
            foreach (var ((_, to), (_, from)) in StateNames.Parameters(teacher).Zip(StateNames.Parameters(student)))
            {
                to.copy_(from);
            }
        }
    }

    private Branch VideoBranch(TransformerOptions options, Transformer? blocks = null) => new(
        new VideoViT(Options.Video, options, Options.ClassToken, blocks, Device),
        new Projector(options.Dim, Options.Projector, Device));

    private Branch AudioBranch(TransformerOptions options, Transformer? blocks = null) => new(
        new AudioViT(Options.Audio, options, Options.ClassToken, blocks, Device),
        new Projector(options.Dim, Options.Projector, Device));

    private void Initialise(ulong seed)
    {
        using var initialisation = new Initialisation(seed);
        nn.Module[] drawn = TeachersMatchStudents
            ? [vid_student, vid_ae, aud_student, aud_ae]
            : [vid_student, vid_ae, aud_student, aud_ae, vid_teacher, aud_teacher];
        foreach (var module in drawn)
        {
            initialisation.Draw(module);
        }

        CopyStudentsToTeachers();
        foreach (var (_, parameter) in StateNames.Parameters(vid_teacher).Concat(StateNames.Parameters(aud_teacher)))
        {
            parameter.requires_grad = false;
        }
    }
}
