"""The extension configured, built and installed by CMake against a stub of Slicer's macros: what is listed is installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_extension_files import listed

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not on the path: install it to check the packaging"),
    pytest.mark.skipif(
        not any(shutil.which(name) for name in ("cc", "gcc", "clang", "cl")),
        reason="project() of an extension asks for a C compiler, and none is on the path",
    ),
]
CONFIG = """
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake")
"""
MACROS = """
# Stands for Slicer's macros of the same names: installs what is listed, refuses what is missing or unknown, compiles scripts.
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown arguments: ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  foreach(file IN LISTS MODULE_SCRIPTS MODULE_RESOURCES)
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "${file} is listed and missing")
    endif()
    get_filename_component(folder "${file}" DIRECTORY)
    install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/${file}" DESTINATION "qt-scripted-modules/${folder}")
  endforeach()
  add_custom_target(CompileScripts ALL
    COMMAND "${TEST_PYTHON}" "${TEST_COMPILE}" ${MODULE_SCRIPTS} WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()
function(slicer_add_python_unittest)
  cmake_parse_arguments(TEST_OF "" "SCRIPT" "" ${ARGN})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${TEST_OF_SCRIPT}")
    message(FATAL_ERROR "${TEST_OF_SCRIPT} is to be tested and missing")
  endif()
endfunction()
"""
COMPILE = """
import sys
for path in sys.argv[1:]:
    with open(path, "rb") as script:
        compile(script.read(), path, "exec", dont_inherit=True)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what git keeps of the extension, with small files in place of the weights."""
    folder = tmp_path / "source"
    for name in ("CMakeLists.txt", "IVDSegmentation"):
        original = ROOT / name
        if original.is_dir():
            shutil.copytree(original, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz", "*.egg-info"))
        else:
            folder.mkdir()
            shutil.copy(original, folder)
    for resource in listed("MODULE_PYTHON_RESOURCES"):
        if resource.endswith(".npz"):
            (folder / "IVDSegmentation" / resource).write_bytes(b"weights")
    return folder


def build(source: Path) -> subprocess.CompletedProcess[str]:
    """Configure, build and install into `installed` beside the source; the first step that fails, or the last."""
    stub, build, installed = (source.parent / name for name in ("stub", "build", "installed"))
    stub.mkdir()
    (stub / "SlicerConfig.cmake").write_text(CONFIG, encoding="utf-8")
    (stub / "UseSlicer.cmake").write_text(MACROS, encoding="utf-8")
    (stub / "Nothing.cmake").touch()
    (stub / "compile.py").write_text(COMPILE, encoding="utf-8")
    settings = {
        "Slicer_DIR": stub, "TEST_PYTHON": Path(sys.executable), "TEST_COMPILE": stub / "compile.py",
        "CMAKE_INSTALL_PREFIX": installed,
    }  # fmt: skip
    steps = [
        ["cmake", "-S", source, "-B", build, "-DBUILD_TESTING=ON", *(f"-D{k}={v.as_posix()}" for k, v in settings.items())],
        ["cmake", "--build", build],
        ["cmake", "--install", build],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            break
    return done


def test_the_installed_tree_is_what_is_listed(source: Path) -> None:
    done = build(source)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = source.parent / "installed" / "qt-scripted-modules"
    found = sorted(path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file())
    assert found == sorted([*listed("MODULE_PYTHON_SCRIPTS"), *listed("MODULE_PYTHON_RESOURCES")])
    for name in listed("MODULE_PYTHON_SCRIPTS"):
        assert (installed / name).read_bytes() == (ROOT / "IVDSegmentation" / name).read_bytes()


def test_a_listed_file_that_is_missing_fails(source: Path) -> None:
    (source / "IVDSegmentation" / "Resources" / "requirements.txt").unlink()
    done = build(source)
    assert done.returncode != 0
    assert "Resources/requirements.txt is listed and missing" in done.stderr


def test_a_script_with_a_syntax_error_fails(source: Path) -> None:
    with open(source / "IVDSegmentation" / "IVDSegmentationLib" / "errors.py", "a", encoding="utf-8") as script:
        script.write("def broken(:\n")
    done = build(source)
    assert done.returncode != 0
    assert "SyntaxError" in done.stdout + done.stderr
