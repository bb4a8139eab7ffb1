"""
The classes of a process's first start, kept parsed and verified in an archive of the JVM's own (application class-data sharing, JEP 310), so that
the next start of the same process is sooner by the time that takes. What does not fit (another Java, another jar) the JVM leaves aside.
"""
import os
import re
import subprocess
import threading

from .supervisor import end_with_parent

# A process that works and has loaded hardly a class in this time has what it needs. Making the archive takes its host ten to twenty seconds of a core that nobody else wants.
STEADY_SECONDS = 60
# «name source: where», and the line after it.
LOADED = re.compile(r"(\S+) source: (.+)$")
JAR = re.compile(r"file:\S+\.jar")
LINKED = re.compile(r" klass: (\w+) super: (\w+)(?: interfaces:((?: \w+)+))? loader: \[(.*?)\]")
OWN_LOADERS = re.compile(r"of 'bootstrap'|ClassLoaders\$(App|Platform)ClassLoader'")


def keep(specs, say, shared=None, steady=STEADY_SECONDS, stop=None):
    """
    Sees from a thread of its own to an archive for `specs`, the processes of one kind on a host: unless there is one, it is taken from `shared`
    (class_archives.py) or made, as soon as one of them has loaded its working class, and then hardly another for `steady` seconds. Whoever has one
    shares it, unless somebody has. Failing costs nothing but the gain.
    """
    stop = stop or threading.Event()
    path = specs[0].classes

    def work():
        if not os.path.exists(path):
            spec = _settled(specs, steady, stop)
            # Hosts that were launched together would all make the same: the first to settle makes it.
            if not spec or os.path.exists(path) or shared and shared.try_fetch(path, say):
                return
            made, how = dump(spec)
            say("the next start of %s finds its classes in an archive" % spec.name if made else "no archive of %s's classes: %s" % (spec.name, how))
        else:
            _to_disk(path)
        if shared and os.path.exists(path):
            shared.try_store(path, say, stop)

    thread = threading.Thread(target=work, name="classes", daemon=True)
    with specs[0].account.files():
        thread.start()
    return thread


def _settled(specs, seconds, stop):
    """
    Waits for the first whose list of classes has its working class and grows by no more than a hundredth in `seconds`. None when the node is to stop
    before.
    """
    sizes = {}
    while not stop.wait(seconds):
        for spec in specs:
            listed = _lines(spec.class_list()) if os.path.exists(spec.class_list()) else []
            before, size = sizes.get(spec.name, 0), len(listed)
            sizes[spec.name] = size
            if (size - before) * 100 <= size and (not spec.working_class or spec.working_class + "\n" in listed):
                return spec
    return None


def dump(spec):
    """Whether there is an archive now, and what Java said. It runs only while no other process wants the core."""
    try:
        listed, loaded = _lines(spec.class_list()), _lines(spec.class_log())
    except OSError as error:
        return False, str(error)
    made, _ = _dump(spec, of_all_loaders(listed, loaded))
    # A Java that does not take the classes of other loaders takes those of its own.
    return (True, "") if made else _dump(spec, listed)


def _lines(path):
    with open(path) as stream:
        return [line for line in stream if line.endswith("\n")]  # The process may be writing its last line.


def of_all_loaders(listed, loaded):
    """
    The list that Java makes of the classes of its own loaders, and those of all others, which it leaves out: Flink's RPC and its plugins have loaders of
    theirs. `loaded`: what -Xlog:class+load=debug:…:none says. A class of another loader is told by its super class and interfaces (by ids that are given
    here) and its jar; JEP 310 has the format.
    """
    ids, lines = {}, []
    for line in listed:
        name = line.split()[0] if line.strip() else "#"
        if name.startswith(("#", "@")):
            lines.append(line)
        elif name not in ids:
            ids[name] = len(ids) + 1
            lines.append("%s id: %d\n" % (name, ids[name]))
    known, others = {}, set()
    for said, details in zip(loaded, loaded[1:]):
        one, linked = LOADED.match(said), LINKED.match(details)
        if not one or not linked:
            continue
        name, source = one[1].replace(".", "/"), one[2]
        klass, parent, interfaces, loader = linked.groups()
        if OWN_LOADERS.search(loader):
            if name in ids:
                known[klass] = ids[name]
            continue
        above = [known.get(other) for other in [parent, *(interfaces or "").split()]]
        # Classes that are made while a program runs come from no jar. Java takes one class of a name.
        if None in above or name in others or not JAR.fullmatch(source):
            continue
        others.add(name)
        known[klass] = len(ids) + len(others)
        implements = " interfaces: " + " ".join(map(str, above[1:])) if above[1:] else ""
        lines.append("%s id: %d super: %d%s source: %s\n" % (name, known[klass], above[0], implements, source[len("file:"):]))
    return lines


def _dump(spec, lines):
    names, made = spec.classes + ".names", spec.classes + ".new"
    with open(names, "w") as target:
        target.writelines(lines)
    java, *options = spec.command
    common = [java, *_of_the_heap(options), "-XX:SharedArchiveFile=" + made, "-cp", options[options.index("-cp") + 1]]
    done = _aside(spec, [*common, "-Xshare:dump", "-XX:SharedClassListFile=" + names])
    if done.returncode != 0 or not os.path.exists(made):
        return False, (done.stderr or done.stdout).strip()[-300:]
    # Every process of the kind, on every host, will start with it: a JVM that must have it, or not start, tries it first.
    tried = _aside(spec, [*common, "-Xshare:on", "-version"])
    if tried.returncode != 0:
        os.remove(made)
        return False, "the one that was made is of no use: " + (tried.stderr or tried.stdout).strip()[-300:]
    _to_disk(made)
    os.rename(made, spec.classes)
    return True, ""


def _aside(spec, command):
    """Runs it to its end for the account of the process, while no other process wants the core."""
    parent = os.getpid()
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          preexec_fn=lambda: (end_with_parent(parent), os.nice(19)), **spec.account.process())


def _to_disk(path):
    """Of a file that was not, a host that stops at once keeps a part; the JVM does not look, and the host would share it."""
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())


def _of_the_heap(options):
    """Size and collector decide how objects are addressed, which an archive has to share with the process that reads it."""
    return [option for option in options if option.startswith(("-Xm", "-XX:+Use", "-XX:-Use"))]
