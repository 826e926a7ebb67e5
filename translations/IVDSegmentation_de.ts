<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en_US">
  <context>
    <name>IVDSegmentation</name>
    <message>
      <source>IVD Segmentation</source>
      <translation>IVD Segmentation</translation>
    </message>
    <message>
      <source>Finds, segments, names and measures the intervertebral discs in Dixon MRI of the lumbar spine. Research use only. See the user guide of the extension for a tutorial with sample data.</source>
      <translation>Findet, segmentiert, benennt und vermisst die Bandscheiben in Dixon-MRT der Lendenwirbelsäule. Nur für die Forschung. Eine Anleitung mit Beispieldaten steht im Benutzerhandbuch der Erweiterung.</translation>
    </message>
    <message>
      <source>Implements the two-stage convolutional network for Dixon MRI whose authors published part of the IVDM3Seg data with their code (repository Pele324/3D_IVD_Seg); IVDM3Seg: Zheng, Belavy, Li, MICCAI 2018.</source>
      <translation>Setzt das zweistufige Faltungsnetz für Dixon-MRT um, dessen Autoren einen Teil der IVDM3Seg-Daten mit ihrem Code veröffentlicht haben (Repository Pele324/3D_IVD_Seg); IVDM3Seg: Zheng, Belavy, Li, MICCAI 2018.</translation>
    </message>
    <message>
      <source>Shown where the panel runs with another copy of its library, which may be of another version.</source>
      <translation>Erscheint, wenn das Modul mit einer anderen Kopie seiner Bibliothek läuft, die von anderer Version sein kann.</translation>
    </message>
    <message>
      <source>Warning</source>
      <translation>Warnung</translation>
    </message>
    <message>
      <source>Dixon volumes</source>
      <translation>Dixon-Volumina</translation>
    </message>
    <message>
      <source>Look for the four channels among the loaded volumes, by their DICOM tags and names.</source>
      <translation>Die vier Kanäle unter den geladenen Volumina suchen, nach DICOM-Angaben und Namen.</translation>
    </message>
    <message>
      <source>Fi&amp;nd Dixon volumes</source>
      <translation>Dixon-Volumina &amp;suchen</translation>
    </message>
    <message>
      <source>Load the channels of an examination from a folder of NIfTI, NRRD, MetaImage or DICOM files, and choose them below.</source>
      <translation>Die Kanäle einer Untersuchung aus einem Ordner mit NIfTI-, NRRD-, MetaImage- oder DICOM-Dateien laden und unten auswählen.</translation>
    </message>
    <message>
      <source>Loa&amp;d folder...</source>
      <translation>&amp;Ordner laden...</translation>
    </message>
    <message>
      <source>The water image of the Dixon examination. Any of water, opposed-phase and in-phase is enough; more channels make the result better.</source>
      <translation>Das Wasserbild der Dixon-Untersuchung. Eines von Wasser, Gegenphase und In-Phase genügt; mehr Kanäle machen das Ergebnis besser.</translation>
    </message>
    <message>
      <source>&amp;Water:</source>
      <translation>&amp;Wasser:</translation>
    </message>
    <message>
      <source>Water volume</source>
      <translation>Wasservolumen</translation>
    </message>
    <message>
      <source>The fat image of the Dixon examination (optional).</source>
      <translation>Das Fettbild der Dixon-Untersuchung (nicht nötig).</translation>
    </message>
    <message>
      <source>Fa&amp;t:</source>
      <translation>&amp;Fett:</translation>
    </message>
    <message>
      <source>Fat volume</source>
      <translation>Fettvolumen</translation>
    </message>
    <message>
      <source>The in-phase image of the Dixon examination.</source>
      <translation>Das In-Phase-Bild der Dixon-Untersuchung.</translation>
    </message>
    <message>
      <source>&amp;In-phase:</source>
      <translation>&amp;In-Phase:</translation>
    </message>
    <message>
      <source>In-phase volume</source>
      <translation>In-Phase-Volumen</translation>
    </message>
    <message>
      <source>The opposed-phase (out-of-phase) image of the Dixon examination.</source>
      <translation>Das Gegenphasebild (Opposed-Phase, Out-of-Phase) der Dixon-Untersuchung.</translation>
    </message>
    <message>
      <source>&amp;Opposed-phase:</source>
      <translation>Gegen&amp;phase:</translation>
    </message>
    <message>
      <source>Opposed-phase volume</source>
      <translation>Gegenphasevolumen</translation>
    </message>
    <message>
      <source>What was found among the loaded volumes.</source>
      <translation>Was unter den geladenen Volumina gefunden wurde.</translation>
    </message>
    <message>
      <source>Found volumes</source>
      <translation>Gefundene Volumina</translation>
    </message>
    <message>
      <source>Choose a Dixon volume first.</source>
      <translation>Wählen Sie zuerst ein Dixon-Volumen.</translation>
    </message>
    <message>
      <source>&amp;Segment</source>
      <translation>Se&amp;gmentieren</translation>
    </message>
    <message>
      <source>Why Segment cannot be pressed yet.</source>
      <translation>Warum Segmentieren noch nicht gedrückt werden kann.</translation>
    </message>
    <message>
      <source>How much of the segmentation is done.</source>
      <translation>Wie weit die Segmentierung ist.</translation>
    </message>
    <message>
      <source>Progress</source>
      <translation>Fortschritt</translation>
    </message>
    <message>
      <source>What the segmentation is doing.</source>
      <translation>Was die Segmentierung gerade tut.</translation>
    </message>
    <message>
      <source>Step</source>
      <translation>Schritt</translation>
    </message>
    <message>
      <source>Results</source>
      <translation>Ergebnisse</translation>
    </message>
    <message>
      <source>The discs found, and how many of them are to be checked.</source>
      <translation>Die gefundenen Bandscheiben, und wie viele davon zu prüfen sind.</translation>
    </message>
    <message>
      <source>No result yet.</source>
      <translation>Noch kein Ergebnis.</translation>
    </message>
    <message>
      <source>What is to be checked in this case.</source>
      <translation>Was in diesem Fall zu prüfen ist.</translation>
    </message>
    <message>
      <source>To check in this case</source>
      <translation>In diesem Fall zu prüfen</translation>
    </message>
    <message>
      <source>The discs, and the measurements of the report. Those of the agreement are there when a reference was chosen.</source>
      <translation>Die Bandscheiben und die Messwerte des Berichts. Die der Übereinstimmung gibt es, wenn eine Referenz gewählt war.</translation>
    </message>
    <message>
      <source>Discs</source>
      <translation>Scheiben</translation>
    </message>
    <message>
      <source>The discs with their confidence and what to check of each. Click on a row, or press Enter in it, to go to the disc.</source>
      <translation>Die Bandscheiben mit ihrer Konfidenz und dem, was an jeder zu prüfen ist. Ein Klick auf eine Zeile, oder die Eingabetaste darin, führt zur Bandscheibe.</translation>
    </message>
    <message>
      <source>The discs</source>
      <translation>Die Bandscheiben</translation>
    </message>
    <message>
      <source>Sizes</source>
      <translation>Maße</translation>
    </message>
    <message>
      <source>What was measured of each disc. Click on a row, or press Enter in it, to go to the disc.</source>
      <translation>Was an jeder Bandscheibe gemessen wurde. Ein Klick auf eine Zeile, oder die Eingabetaste darin, führt zur Bandscheibe.</translation>
    </message>
    <message>
      <source>Measurements of the discs</source>
      <translation>Maße der Bandscheiben</translation>
    </message>
    <message>
      <source>Contrast</source>
      <translation>Kontrast</translation>
    </message>
    <message>
      <source>Absolute Weber contrast of the discs against everything else, by channel.</source>
      <translation>Betrag des Weber-Kontrasts der Bandscheiben gegen alles andere, je Kanal.</translation>
    </message>
    <message>
      <source>Contrast by channel</source>
      <translation>Kontrast je Kanal</translation>
    </message>
    <message>
      <source>Agreement</source>
      <translation>Vergleich</translation>
    </message>
    <message>
      <source>How each disc agrees with the reference. Click on a row, or press Enter in it, to go to the disc.</source>
      <translation>Wie jede Bandscheibe mit der Referenz übereinstimmt. Ein Klick auf eine Zeile, oder die Eingabetaste darin, führt zur Bandscheibe.</translation>
    </message>
    <message>
      <source>Agreement with the reference</source>
      <translation>Übereinstimmung mit der Referenz</translation>
    </message>
    <message>
      <source>All discs together: Dice, discs of the reference that are missing, discs too many, and how many centres lie within 2, 4 and 6 mm.</source>
      <translation>Alle Bandscheiben zusammen: Dice, fehlende Bandscheiben der Referenz, überzählige, und wie viele Mittelpunkte innerhalb von 2, 4 und 6 mm liegen.</translation>
    </message>
    <message>
      <source>Agreement over all discs</source>
      <translation>Übereinstimmung über alle Bandscheiben</translation>
    </message>
    <message>
      <source>The level of the lowest disc found; the others are counted on from it. Automatic: decided from the shapes and positions of the discs. After a run, choosing another renames the result at once.</source>
      <translation>Das Niveau der untersten gefundenen Bandscheibe; die anderen werden von ihr aus gezählt. Automatic: aus Form und Lage der Bandscheiben bestimmt. Nach einem Lauf benennt eine andere Wahl das Ergebnis sofort um.</translation>
    </message>
    <message>
      <source>&amp;Lowest level:</source>
      <translation>&amp;Unterstes Niveau:</translation>
    </message>
    <message>
      <source>Lowest level</source>
      <translation>Unterstes Niveau</translation>
    </message>
    <message>
      <source>Write the label map, the surfaces, report.json, report.html and measurements.csv into a folder, in place of an earlier report there.</source>
      <translation>Labelmap, Oberflächen, report.json, report.html und measurements.csv in einen Ordner schreiben, an Stelle eines früheren Berichts dort.</translation>
    </message>
    <message>
      <source>Save re&amp;port...</source>
      <translation>&amp;Bericht speichern...</translation>
    </message>
    <message>
      <source>Options</source>
      <translation>Optionen</translation>
    </message>
    <message>
      <source>An expert's segmentation or label map of the same case (optional): the result is compared with it.</source>
      <translation>Segmentierung oder Labelmap desselben Falls von fachkundiger Hand (nicht nötig): das Ergebnis wird damit verglichen.</translation>
    </message>
    <message>
      <source>&amp;Reference:</source>
      <translation>&amp;Referenz:</translation>
    </message>
    <message>
      <source>Reference</source>
      <translation>Referenz</translation>
    </message>
    <message>
      <source>Where to compute: auto takes a graphics card where there is one that TensorFlow can use, else the processor.</source>
      <translation>Worauf gerechnet wird: auto nimmt eine Grafikkarte, wenn TensorFlow eine nutzen kann, sonst den Prozessor.</translation>
    </message>
    <message>
      <source>Comp&amp;uting device:</source>
      <translation>Re&amp;chengerät:</translation>
    </message>
    <message>
      <source>Computing device</source>
      <translation>Rechengerät</translation>
    </message>
    <message>
      <source>Add the new result to those of earlier runs on this case. Otherwise it replaces them.</source>
      <translation>Das neue Ergebnis zu denen früherer Läufe dieses Falls hinzufügen. Sonst ersetzt es sie.</translation>
    </message>
    <message>
      <source>&amp;Keep earlier results</source>
      <translation>Frühere Ergebnisse be&amp;halten</translation>
    </message>
    <message>
      <source>This extension is no medical device.</source>
      <translation>Diese Erweiterung ist kein Medizinprodukt.</translation>
    </message>
    <message>
      <source>Research use only. Not for diagnosis or treatment.</source>
      <translation>Nur für die Forschung. Nicht für Diagnose oder Behandlung.</translation>
    </message>
  </context>
  <context>
    <name>IVDSegmentationLib.findings</name>
    <message>
      <source>The {channel} channel ({size} voxels) was resampled onto the grid of the {reference} channel ({reference_size}).</source>
      <translation>Der Kanal {channel} ({size} Voxel) wurde auf das Gitter des Kanals {reference} ({reference_size}) umgerechnet.</translation>
    </message>
    <message>
      <source>The {channel} channel ({size} voxels) was resampled onto the grid of the {reference} channel ({reference_size}); it covers {share:.0%} of it and is 0 elsewhere.</source>
      <translation>Der Kanal {channel} ({size} Voxel) wurde auf das Gitter des Kanals {reference} ({reference_size}) umgerechnet; er bedeckt {share:.0%} davon und ist anderswo 0.</translation>
    </message>
    <message>
      <source>The {copy} and {original} channels hold exactly the same image: it was taken as {kept}, and {dropped} was computed from the other channels.</source>
      <translation>Die Kanäle {copy} und {original} enthalten genau dasselbe Bild: es wurde als {kept} genommen, und {dropped} wurde aus den anderen Kanälen berechnet.</translation>
    </message>
    <message>
      <source>The {copy} and {original} channels hold exactly the same image: it was taken as {kept}, and {dropped} is left out.</source>
      <translation>Die Kanäle {copy} und {original} enthalten genau dasselbe Bild: es wurde als {kept} genommen, und {dropped} wird weggelassen.</translation>
    </message>
    <message>
      <source>The channels contradict one another: in-phase is not the sum of water and fat. Check that each file holds the channel it is named for and that all are of one examination.</source>
      <translation>Die Kanäle widersprechen einander: In-Phase ist nicht die Summe von Wasser und Fett. Prüfen Sie, ob jede Datei den Kanal enthält, nach dem sie benannt ist, und alle von einer Untersuchung stammen.</translation>
    </message>
    <message>
      <source>The channels contradict one another: opposed-phase is not the difference of water and fat. Check that each file holds the channel it is named for and that all are of one examination.</source>
      <translation>Die Kanäle widersprechen einander: Gegenphase ist nicht die Differenz von Wasser und Fett. Prüfen Sie, ob jede Datei den Kanal enthält, nach dem sie benannt ist, und alle von einer Untersuchung stammen.</translation>
    </message>
    <message>
      <source>The channels contradict one another: opposed-phase is brighter than in-phase. Check that each file holds the channel it is named for and that all are of one examination.</source>
      <translation>Die Kanäle widersprechen einander: Gegenphase ist heller als In-Phase. Prüfen Sie, ob jede Datei den Kanal enthält, nach dem sie benannt ist, und alle von einer Untersuchung stammen.</translation>
    </message>
    <message>
      <source>The channels contradict one another: {channel} is brighter than in-phase, which holds water and fat. Check that each file holds the channel it is named for and that all are of one examination.</source>
      <translation>Die Kanäle widersprechen einander: {channel} ist heller als In-Phase, das Wasser und Fett enthält. Prüfen Sie, ob jede Datei den Kanal enthält, nach dem sie benannt ist, und alle von einer Untersuchung stammen.</translation>
    </message>
    <message>
      <source>Water and fat look swapped: what is called water shows fat. Check the names of the two channels.</source>
      <translation>Wasser und Fett scheinen vertauscht: was Wasser heißt, zeigt Fett. Prüfen Sie die Namen der beiden Kanäle.</translation>
    </message>
    <message>
      <source>{count} structures that resemble discs lie off the chain of discs and were left out: check that no disc is missing.</source>
      <translation>{count} Strukturen, die Bandscheiben ähneln, liegen abseits der Kette der Bandscheiben und wurden weggelassen: prüfen Sie, ob eine Bandscheibe fehlt.</translation>
    </message>
    <message>
      <source>1 structure that resembles a disc lies off the chain of discs and was left out: check that no disc is missing.</source>
      <translation>1 Struktur, die einer Bandscheibe ähnelt, liegt abseits der Kette der Bandscheiben und wurde weggelassen: prüfen Sie, ob eine Bandscheibe fehlt.</translation>
    </message>
    <message>
      <source>No DICOM objects were written: they need highdicom (pip install "ivdsegmentation[dicom]").</source>
      <translation>Es wurden keine DICOM-Objekte geschrieben: dazu wird highdicom gebraucht (pip install "ivdsegmentation[dicom]").</translation>
    </message>
    <message>
      <source>No DICOM objects were written: the DICOM files of the input are not as they were, or lack what DICOM asks for.</source>
      <translation>Es wurden keine DICOM-Objekte geschrieben: die DICOM-Dateien der Eingabe sind nicht mehr, wie sie waren, oder ihnen fehlt, was DICOM verlangt.</translation>
    </message>
    <message>
      <source>The memory of the GPU did not suffice: the discs were segmented on the CPU.</source>
      <translation>Der Speicher der GPU reichte nicht: die Bandscheiben wurden auf der CPU segmentiert.</translation>
    </message>
    <message>
      <source>The discs were edited in Slicer after they were segmented: the measurements and files of this report are those from before the edits.</source>
      <translation>Die Bandscheiben wurden nach der Segmentierung in Slicer bearbeitet: Messwerte und Dateien dieses Berichts sind die von vor der Bearbeitung.</translation>
    </message>
    <message>
      <source>Levels uncertain, check: the lowest disc is {level} with a probability of {probability:.0%}, {other_level} with {other_probability:.0%}. If it is another, set the lowest level to {other_level}.</source>
      <translation>Niveaus unsicher, bitte prüfen: die unterste Bandscheibe ist mit einer Wahrscheinlichkeit von {probability:.0%} {level}, mit {other_probability:.0%} {other_level}. Wenn es eine andere ist, setzen Sie das unterste Niveau auf {other_level}.</translation>
    </message>
    <message>
      <source>Levels uncertain, check: the lowest disc is {level}, but whether one was missed or one too many found above it is not certain (probability {probability:.0%}).</source>
      <translation>Niveaus unsicher, bitte prüfen: die unterste Bandscheibe ist {level}, aber ob darüber eine übersehen oder eine zu viel gefunden wurde, ist nicht sicher (Wahrscheinlichkeit {probability:.0%}).</translation>
    </message>
    <message>
      <source>Levels uncertain, check: the image reads better as a spine with head and feet exchanged. Check the header; if it is right, set the lowest level.</source>
      <translation>Niveaus unsicher, bitte prüfen: Das Bild gleicht einer Wirbelsäule mehr, wenn Kopf und Füße vertauscht sind. Prüfen Sie den Header; stimmt er, legen Sie das unterste Niveau fest.</translation>
    </message>
    <message>
      <source>Levels uncertain, check: this model does not read levels; the discs were counted from {level} upwards.</source>
      <translation>Niveaus unsicher, bitte prüfen: Dieses Modell liest keine Niveaus; die Bandscheiben wurden von {level} aufwärts gezählt.</translation>
    </message>
    <message>
      <source>Levels uncertain, check: the spine shows faintly in this large field of view; load a part of it that holds the lumbar spine, or more channels.</source>
      <translation>Niveaus unsicher, bitte prüfen: die Wirbelsäule ist in diesem großen Bildfeld nur schwach zu sehen; laden Sie einen Teil mit der Lendenwirbelsäule oder weitere Kanäle.</translation>
    </message>
    <message>
      <source>No disc was found at {levels}, where there is room for one: check the levels.</source>
      <translation>Bei {levels} wurde keine Bandscheibe gefunden, obwohl dort Platz für eine ist: prüfen Sie die Niveaus.</translation>
    </message>
    <message>
      <source>The header exchanges front and back, the image shows: names, heights and angles are the person's, and left and right are doubtful.</source>
      <translation>Der Dateikopf vertauscht vorn und hinten, wie das Bild zeigt: Namen, Höhen und Winkel sind die der Person, links und rechts sind zweifelhaft.</translation>
    </message>
    <message>
      <source>The confidence is low ({confidence:.2f}): check the outline.</source>
      <translation>Die Konfidenz ist niedrig ({confidence:.2f}): prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>{level} is a rudimentary disc of the sacrum: check that it is one.</source>
      <translation>{level} ist eine rudimentäre Bandscheibe des Kreuzbeins: prüfen Sie, ob sie wirklich eine ist.</translation>
    </message>
    <message>
      <source>The disc is cut by the edge of the field of view: its measurements are those of the part inside.</source>
      <translation>Die Bandscheibe wird vom Rand des Bildfelds angeschnitten: ihre Messwerte sind die des Teils im Bild.</translation>
    </message>
    <message>
      <source>The disc is cut by the left or right edge of the field of view: its volume and width are not known.</source>
      <translation>Die Bandscheibe wird vom linken oder rechten Rand des Bildfelds angeschnitten: ihr Volumen und ihre Breite sind nicht bekannt.</translation>
    </message>
    <message>
      <source>The volume of {value:.0f} mm3 is implausible for {level} ({low:.0f} to {high:.0f} mm3): check the outline.</source>
      <translation>Das Volumen von {value:.0f} mm3 ist für {level} nicht plausibel ({low:.0f} bis {high:.0f} mm3): prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>The mean height of {value:.1f} mm is implausible for {level} ({low:.0f} to {high:.0f} mm): check the outline.</source>
      <translation>Die mittlere Höhe von {value:.1f} mm ist für {level} nicht plausibel ({low:.0f} bis {high:.0f} mm): prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>The depth of {value:.1f} mm is implausible for {level} ({low:.0f} to {high:.0f} mm): check the outline.</source>
      <translation>Die Tiefe von {value:.1f} mm ist für {level} nicht plausibel ({low:.0f} bis {high:.0f} mm): prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>The width of {value:.1f} mm is implausible for {level} ({low:.0f} to {high:.0f} mm): check the outline.</source>
      <translation>Die Breite von {value:.1f} mm ist für {level} nicht plausibel ({low:.0f} bis {high:.0f} mm): prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>The volume is {ratio:.1f} times that of the discs next to it: check the outline.</source>
      <translation>Das Volumen ist das {ratio:.1f}-Fache dessen der benachbarten Bandscheiben: prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>The {side} side holds {share:.0%} of the volume more than the other: check the outline.</source>
      <translation>Auf der Seite {side} liegen {share:.0%} des Volumens mehr als auf der anderen: prüfen Sie den Umriss.</translation>
    </message>
    <message>
      <source>The signal fat fraction of {fat_fraction:.2f} is like that of marrow: check for a leak into bone or exchanged channels.</source>
      <translation>Der Signal-Fettanteil von {fat_fraction:.2f} gleicht dem von Knochenmark: prüfen Sie, ob der Umriss in den Knochen läuft oder Kanäle vertauscht sind.</translation>
    </message>
    <message>
      <source>{count} discs are flagged ({levels}): see the flags.</source>
      <translation>{count} Bandscheiben sind zu prüfen ({levels}): siehe dort.</translation>
    </message>
    <message>
      <source>1 disc is flagged ({levels}): see the flags.</source>
      <translation>1 Bandscheibe ist zu prüfen ({levels}): siehe dort.</translation>
    </message>
    <message>
      <source>The signal fat fraction of the discs is {fat_fraction:.2f}, like marrow: check whether water and fat are exchanged.</source>
      <translation>Der Signal-Fettanteil der Bandscheiben ist {fat_fraction:.2f}, wie der von Knochenmark: prüfen Sie, ob Wasser und Fett vertauscht sind.</translation>
    </message>
    <message>
      <source>The segmentation lies on another grid than the reference and was put onto it voxel by voxel.</source>
      <translation>Die Segmentierung liegt auf einem anderen Gitter als die Referenz und wurde Voxel für Voxel darauf übertragen.</translation>
    </message>
    <message>
      <source>{name} has no reference and was left out.</source>
      <translation>{name} hat keine Referenz und wurde weggelassen.</translation>
    </message>
    <message>
      <source>{name} has no prediction: all its discs count as missing.</source>
      <translation>{name} hat keine Vorhersage: alle Bandscheiben zählen als fehlend.</translation>
    </message>
    <message>
      <source>fat</source>
      <translation>Fett</translation>
    </message>
    <message>
      <source>in-phase</source>
      <translation>In-Phase</translation>
    </message>
    <message>
      <source>opposed-phase</source>
      <translation>Gegenphase</translation>
    </message>
    <message>
      <source>water</source>
      <translation>Wasser</translation>
    </message>
    <message>
      <source>left</source>
      <translation>links</translation>
    </message>
    <message>
      <source>right</source>
      <translation>rechts</translation>
    </message>
  </context>
  <context>
    <name>report.tables</name>
    <message>
      <source>Level</source>
      <translation>Niveau</translation>
    </message>
    <message>
      <source>Channel</source>
      <translation>Kanal</translation>
    </message>
    <message>
      <source>Dice over all voxels {overall_dice}, mean over discs {mean_dice}; missing: {missing}, extra: {extra}; centres: {within_2_mm} within 2 mm, {within_4_mm} within 4 mm, {within_6_mm} within 6 mm.</source>
      <translation>Dice über alle Voxel {overall_dice}, Mittel über die Bandscheiben {mean_dice}; fehlend: {missing}, überzählig: {extra}; Mittelpunkte: {within_2_mm} innerhalb von 2 mm, {within_4_mm} innerhalb von 4 mm, {within_6_mm} innerhalb von 6 mm.</translation>
    </message>
    <message>
      <source>, reference</source>
      <translation>, Referenz</translation>
    </message>
    <message>
      <source>unnamed</source>
      <translation>ohne Namen</translation>
    </message>
    <message>
      <source> (computed)</source>
      <translation> (berechnet)</translation>
    </message>
    <message>
      <source>fat</source>
      <translation>Fett</translation>
    </message>
    <message>
      <source>in-phase</source>
      <translation>In-Phase</translation>
    </message>
    <message>
      <source>opposed-phase</source>
      <translation>Gegenphase</translation>
    </message>
    <message>
      <source>water</source>
      <translation>Wasser</translation>
    </message>
    <message>
      <source>Volume, mm3</source>
      <translation>Volumen, mm3</translation>
    </message>
    <message>
      <source>Mean height, mm</source>
      <translation>Mittlere Höhe, mm</translation>
    </message>
    <message>
      <source>Anterior, mm</source>
      <translation>Vorn, mm</translation>
    </message>
    <message>
      <source>Middle, mm</source>
      <translation>Mitte, mm</translation>
    </message>
    <message>
      <source>Posterior, mm</source>
      <translation>Hinten, mm</translation>
    </message>
    <message>
      <source>Depth, mm</source>
      <translation>Tiefe, mm</translation>
    </message>
    <message>
      <source>Width, mm</source>
      <translation>Breite, mm</translation>
    </message>
    <message>
      <source>Height index</source>
      <translation>Höhenindex</translation>
    </message>
    <message>
      <source>Wedge, °</source>
      <translation>Keilwinkel, °</translation>
    </message>
    <message>
      <source>Tilt, °</source>
      <translation>Neigung, °</translation>
    </message>
    <message>
      <source>To next, °</source>
      <translation>Zur nächsten, °</translation>
    </message>
    <message>
      <source>Fat fraction</source>
      <translation>Fettanteil</translation>
    </message>
    <message>
      <source>Confidence</source>
      <translation>Konfidenz</translation>
    </message>
    <message>
      <source>Weber contrast</source>
      <translation>Weber-Kontrast</translation>
    </message>
    <message>
      <source>Discs, mean</source>
      <translation>Bandscheiben, Mittel</translation>
    </message>
    <message>
      <source>Discs, SD</source>
      <translation>Bandscheiben, SD</translation>
    </message>
    <message>
      <source>Rest, mean</source>
      <translation>Rest, Mittel</translation>
    </message>
    <message>
      <source>Rest, SD</source>
      <translation>Rest, SD</translation>
    </message>
    <message>
      <source>Dice</source>
      <translation>Dice</translation>
    </message>
    <message>
      <source>Hausdorff, mm</source>
      <translation>Hausdorff, mm</translation>
    </message>
    <message>
      <source>Hausdorff 95 %, mm</source>
      <translation>Hausdorff 95 %, mm</translation>
    </message>
    <message>
      <source>Mean surface distance, mm</source>
      <translation>Mittlerer Oberflächenabstand, mm</translation>
    </message>
    <message>
      <source>Volume difference, mm3</source>
      <translation>Volumendifferenz, mm3</translation>
    </message>
    <message>
      <source>Volume difference, %</source>
      <translation>Volumendifferenz, %</translation>
    </message>
    <message>
      <source>Centre distance, mm</source>
      <translation>Abstand der Mittelpunkte, mm</translation>
    </message>
  </context>
  <context>
    <name>slicer.coordinates</name>
    <message>
      <source>{name} has axes that are not perpendicular: resample it to a grid without shear</source>
      <translation>{name} hat Achsen, die nicht senkrecht aufeinander stehen: rechnen Sie es auf ein Gitter ohne Scherung um</translation>
    </message>
    <message>
      <source>{name} is under a warping transform: harden it or take the volume out of it</source>
      <translation>{name} liegt unter einer verformenden Transformation: wenden Sie sie an (Harden) oder nehmen Sie das Volumen heraus</translation>
    </message>
    <message>
      <source>{name} has voxels of no size: load it again</source>
      <translation>{name} hat Voxel ohne Größe: laden Sie es erneut</translation>
    </message>
  </context>
  <context>
    <name>slicer.inputs_section</name>
    <message>
      <source>Folder of a Dixon examination</source>
      <translation>Ordner einer Dixon-Untersuchung</translation>
    </message>
    <message>
      <source>None of the loaded volumes looks like a Dixon channel by its DICOM tags or its name: choose them yourself.</source>
      <translation>Keines der geladenen Volumina sieht nach DICOM-Angaben oder Namen nach einem Dixon-Kanal aus: wählen Sie selbst.</translation>
    </message>
    <message>
      <source>Found: {channels}.</source>
      <translation>Gefunden: {channels}.</translation>
    </message>
  </context>
  <context>
    <name>slicer.loaded_channels</name>
    <message>
      <source>{count} volumes look like the {channel} channel ({names}): choose one.</source>
      <translation>{count} Volumina sehen nach dem Kanal {channel} aus ({names}): wählen Sie eines.</translation>
    </message>
  </context>
  <context>
    <name>slicer.logic</name>
    <message>
      <source>{name} was deleted while it was being segmented: load it again</source>
      <translation>{name} wurde gelöscht, während es segmentiert wurde: laden Sie es erneut</translation>
    </message>
    <message>
      <source>no volume is given in which discs show: give water, in-phase or opposed-phase</source>
      <translation>es ist kein Volumen angegeben, in dem Bandscheiben zu sehen sind: geben Sie Wasser, In-Phase oder Gegenphase an</translation>
    </message>
    <message>
      <source>Cancelled.</source>
      <translation>Abgebrochen.</translation>
    </message>
    <message>
      <source>Cancelled: the scene was closed.</source>
      <translation>Abgebrochen: die Szene wurde geschlossen.</translation>
    </message>
  </context>
  <context>
    <name>slicer.panel</name>
    <message>
      <source>Done.</source>
      <translation>Fertig.</translation>
    </message>
    <message>
      <source>No report was saved.</source>
      <translation>Es wurde kein Bericht gespeichert.</translation>
    </message>
    <message>
      <source>Saved in {folder}.</source>
      <translation>Gespeichert in {folder}.</translation>
    </message>
    <message>
      <source>Not segmented.</source>
      <translation>Nicht segmentiert.</translation>
    </message>
  </context>
  <context>
    <name>slicer.renaming</name>
    <message>
      <source>the discs were named from {level} upwards when they were segmented: segment again for automatic names</source>
      <translation>die Bandscheiben wurden beim Segmentieren von {level} aufwärts benannt: segmentieren Sie für automatische Namen erneut</translation>
    </message>
  </context>
  <context>
    <name>slicer.result_nodes</name>
    <message>
      <source>{name} was changed while it was being segmented: segment it again</source>
      <translation>{name} wurde verändert, während es segmentiert wurde: segmentieren Sie es erneut</translation>
    </message>
  </context>
  <context>
    <name>slicer.results_section</name>
    <message>
      <source>No result yet.</source>
      <translation>Noch kein Ergebnis.</translation>
    </message>
    <message>
      <source>Level</source>
      <translation>Niveau</translation>
    </message>
    <message>
      <source>Confidence</source>
      <translation>Konfidenz</translation>
    </message>
    <message>
      <source>To check</source>
      <translation>Zu prüfen</translation>
    </message>
    <message>
      <source>Folder for the report</source>
      <translation>Ordner für den Bericht</translation>
    </message>
  </context>
  <context>
    <name>slicer.run_section</name>
    <message>
      <source>&amp;Cancel</source>
      <translation>&amp;Abbrechen</translation>
    </message>
    <message>
      <source>&amp;Segment</source>
      <translation>Se&amp;gmentieren</translation>
    </message>
    <message>
      <source>Stop; the scene and the files stay as they are.</source>
      <translation>Anhalten; Szene und Dateien bleiben, wie sie sind.</translation>
    </message>
    <message>
      <source>Find, segment and name the discs of these volumes.</source>
      <translation>Die Bandscheiben in diesen Volumina finden, segmentieren und benennen.</translation>
    </message>
  </context>
  <context>
    <name>slicer.setup</name>
    <message>
      <source>IVD Segmentation</source>
      <translation>IVD Segmentation</translation>
    </message>
    <message>
      <source>IVD Segmentation needs Python packages that Slicer does not bring: {packages} (about {download} GB to download, {disk} GB on disk, once). They are installed into this Slicer; nothing that belongs to Slicer is replaced.

Install them now?</source>
      <translation>IVD Segmentation braucht Python-Pakete, die Slicer nicht mitbringt: {packages} (einmalig etwa {download} GB herunterzuladen, {disk} GB auf der Platte). Sie werden in dieses Slicer installiert; nichts, was zu Slicer gehört, wird ersetzt.

Jetzt installieren?</translation>
    </message>
    <message>
      <source>IVD Segmentation needs Python packages that Slicer does not bring, and this computer has a graphics card. Shall the graphics card compute?

Yes: {card} is installed, which can train networks, too (about {card_download} GB to download, {card_disk} GB on disk).
No: {processor} is installed, which computes on the processor (about {download} GB to download, {disk} GB on disk).

With it come {packages}. All are installed once, into this Slicer; nothing that belongs to Slicer is replaced.</source>
      <translation>IVD Segmentation braucht Python-Pakete, die Slicer nicht mitbringt, und dieser Rechner hat eine Grafikkarte. Soll die Grafikkarte rechnen?

Ja: {card} wird installiert, womit sich auch Netze trainieren lassen (etwa {card_download} GB herunterzuladen, {card_disk} GB auf der Platte).
Nein: {processor} wird installiert und rechnet auf dem Prozessor (etwa {download} GB herunterzuladen, {disk} GB auf der Platte).

Dazu kommen {packages}. Alle werden einmal installiert, in dieses Slicer; nichts, was zu Slicer gehört, wird ersetzt.</translation>
    </message>
    <message>
      <source>Nothing was installed: press Segment again when these may be installed: {packages}</source>
      <translation>Es wurde nichts installiert: drücken Sie erneut auf Segmentieren, wenn dies installiert werden darf: {packages}</translation>
    </message>
    <message>
      <source>Nothing is installed while Slicer is tested.</source>
      <translation>Während Slicer getestet wird, wird nichts installiert.</translation>
    </message>
    <message>
      <source>The packages could not be installed: connect this computer to the internet and press Segment again, or install them from a folder of wheels with slicer.util.pip_install({arguments})</source>
      <translation>Die Pakete konnten nicht installiert werden: verbinden Sie diesen Rechner mit dem Internet und drücken Sie erneut auf Segmentieren, oder installieren Sie sie aus einem Ordner mit Wheels mit slicer.util.pip_install({arguments})</translation>
    </message>
    <message>
      <source>Other versions of {packages}, which were in use, were installed: restart Slicer when you are done.</source>
      <translation>Es wurden andere Versionen von {packages} installiert, die in Benutzung waren: starten Sie Slicer neu, wenn Sie fertig sind.</translation>
    </message>
    <message>
      <source>PythonSlicer executable not found: start Slicer by its own launcher, or install it again</source>
      <translation>PythonSlicer nicht gefunden (PythonSlicer executable not found): starten Sie Slicer mit seinem eigenen Startprogramm, oder installieren Sie es neu</translation>
    </message>
    <message>
      <source>The panel runs with another copy of IVDSegmentationLib than its own, in {folder}: remove it with slicer.util.pip_uninstall('ivdsegmentation') and restart Slicer.</source>
      <translation>Das Modul läuft mit einer anderen Kopie von IVDSegmentationLib als der eigenen, in {folder}: entfernen Sie sie mit slicer.util.pip_uninstall('ivdsegmentation') und starten Sie Slicer neu.</translation>
    </message>
  </context>
  <context>
    <name>slicer.texts</name>
    <message>
      <source>automatic</source>
      <translation>automatisch</translation>
    </message>
    <message>
      <source>processor</source>
      <translation>Prozessor</translation>
    </message>
    <message>
      <source>graphics card</source>
      <translation>Grafikkarte</translation>
    </message>
    <message>
      <source>Choose a water, in-phase or opposed-phase volume first: discs do not show in fat alone.</source>
      <translation>Wählen Sie zuerst Wasser, In-Phase oder Gegenphase: im Fettbild allein sind Bandscheiben nicht zu sehen.</translation>
    </message>
    <message>
      <source>No disc.</source>
      <translation>Keine Bandscheibe.</translation>
    </message>
    <message>
      <source>{name} is a result of this module: choose an expert's segmentation as the reference.</source>
      <translation>{name} ist ein Ergebnis dieses Moduls: wählen Sie als Referenz eine Segmentierung von fachkundiger Hand.</translation>
    </message>
    <message>
      <source>1 of them is to be checked.</source>
      <translation>1 davon ist zu prüfen.</translation>
    </message>
    <message>
      <source>{name} is chosen for two channels: choose another.</source>
      <translation>{name} ist für zwei Kanäle gewählt: wählen Sie ein anderes.</translation>
    </message>
    <message>
      <source>1 disc: {lowest}.</source>
      <translation>1 Bandscheibe: {lowest}.</translation>
    </message>
    <message>
      <source>{count} discs, {lowest} to {highest}.</source>
      <translation>{count} Bandscheiben, {lowest} bis {highest}.</translation>
    </message>
    <message>
      <source>Dice against the reference: {dice}.</source>
      <translation>Dice gegen die Referenz: {dice}.</translation>
    </message>
    <message>
      <source>{count} of them are to be checked.</source>
      <translation>{count} davon sind zu prüfen.</translation>
    </message>
    <message>
      <source>fat</source>
      <translation>Fett</translation>
    </message>
    <message>
      <source>in-phase</source>
      <translation>In-Phase</translation>
    </message>
    <message>
      <source>opposed-phase</source>
      <translation>Gegenphase</translation>
    </message>
    <message>
      <source>water</source>
      <translation>Wasser</translation>
    </message>
  </context>
  <context>
    <name>slicer.volume_nodes</name>
    <message>
      <source>{name} has {values} values in each voxel: load one channel as one scalar volume</source>
      <translation>{name} hat {values} Werte in jedem Voxel: laden Sie einen Kanal als ein skalares Volumen</translation>
    </message>
    <message>
      <source>{name} is empty on {volume}: choose the expert's segmentation of this case</source>
      <translation>{name} ist auf {volume} leer: wählen Sie die Referenz dieses Falls</translation>
    </message>
    <message>
      <source>{name} holds no image: load it again</source>
      <translation>{name} enthält kein Bild: laden Sie es erneut</translation>
    </message>
  </context>
  <context>
    <name>worker.session</name>
    <message>
      <source>Cancelled.</source>
      <translation>Abgebrochen.</translation>
    </message>
    <message>
      <source>Starting the segmentation process</source>
      <translation>Der Segmentierungsprozess startet</translation>
    </message>
    <message>
      <source>Taking the volumes over</source>
      <translation>Die Volumina werden übernommen</translation>
    </message>
    <message>
      <source>Starting what computes the networks</source>
      <translation>Das Rechenprogramm der Netze startet</translation>
    </message>
    <message>
      <source>Loading the networks</source>
      <translation>Die Netze werden geladen</translation>
    </message>
    <message>
      <source>Checking the channels</source>
      <translation>Die Kanäle werden geprüft</translation>
    </message>
    <message>
      <source>Finding the discs</source>
      <translation>Die Bandscheiben werden gesucht</translation>
    </message>
    <message>
      <source>Segmenting the discs</source>
      <translation>Die Bandscheiben werden segmentiert</translation>
    </message>
    <message>
      <source>Naming the levels</source>
      <translation>Die Niveaus werden benannt</translation>
    </message>
    <message>
      <source>Bringing the discs onto the input's grid</source>
      <translation>Die Bandscheiben werden auf das Gitter der Eingabe gebracht</translation>
    </message>
    <message>
      <source>Measuring the discs</source>
      <translation>Die Bandscheiben werden vermessen</translation>
    </message>
    <message>
      <source>Bringing the discs into the scene</source>
      <translation>Die Bandscheiben werden in die Szene gebracht</translation>
    </message>
    <message>
      <source>Writing the report</source>
      <translation>Der Bericht wird geschrieben</translation>
    </message>
  </context>
</TS>
