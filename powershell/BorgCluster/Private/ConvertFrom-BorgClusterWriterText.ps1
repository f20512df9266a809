function ConvertFrom-BorgClusterWriterText {
    <#
    .SYNOPSIS
    Reads what diskshadow lists about VSS writers: the VM components of the Hyper-V writer, and each writer's state.
    .DESCRIPTION
    The words are localized and the spacing differs by version. So only these are looked at: GUIDs, paths, VSS' own constants
    (VSS_CT_..., VSS_WS_...), and the marks * and + that begin a writer and a component. A caption is what stands in the line
    before the component's type; it decides nothing.

    The lines may hold 'list writers detailed' and 'list writers status', one after the other.
    .OUTPUTS
    A table with Components (WriterComponent) and Writers (WriterStatus).
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [AllowEmptyString()]
        [string[]]
        $Line
    )

    $hyperV = '66841cd4-6ded-4f4b-8f17-fd23f8ddc3de'
    $pattern = Get-BorgClusterWriterPattern
    $components = [System.Collections.Generic.List[object]]::new()
    $writers = [System.Collections.Generic.List[object]]::new()
    $writerId = $null
    $vm = $null
    $status = $null
    $inComponent = $false
    $typed = $false
    $previous = ''
    foreach ($text in $Line) {
        if ($text -match $pattern['Writer']) {
            $writerId = $null
            $vm = $null
            $status = $null
            $inComponent = $false
        } elseif ($text -match $pattern['Component']) {
            $vm = $null
            $inComponent = $true
            $typed = $false
            if ($writerId -eq $hyperV -and $text -match $pattern['Machine']) {
                $vm = [ordered]@{ vm_id = $Matches[1].ToLowerInvariant(); caption = ''; files = @() }
                $components.Add($vm)
            }
        } elseif ($null -ne $vm) {
            if ($text -match $pattern['Type']) {
                $typed = $true
                if ($previous -match $pattern['Caption']) {
                    $vm['caption'] = $Matches[1]
                }
            } elseif ($typed -and $text -match $pattern['File']) {
                # Before the type stands the caption: a machine's name, which may look like anything
                $vm['files'] += [ordered]@{ path = $Matches[1]; filespec = $Matches[2] }
            }
        } elseif ($inComponent) {
            # A database's name may look like anything, too
            continue
        } elseif ($text -match $pattern['State']) {
            $status = [ordered]@{ writer_id = $writerId; state = [int] $Matches[1]; failure_code = $null }
            if ($null -ne $writerId) {
                $writers.Add($status)
            }
        } elseif ($text -match $pattern['Identifier']) {
            # The first one in a block is the writer's, the next one that of its instance
            if ($null -eq $writerId) {
                $writerId = $Matches[1].ToLowerInvariant()
                if ($null -ne $status) {
                    $status['writer_id'] = $writerId
                    $writers.Add($status)
                }
            }
        } elseif ($null -ne $status -and $null -eq $status['failure_code'] -and $text -match $pattern['FailureCode']) {
            $status['failure_code'] = '0x' + $Matches[1].ToUpperInvariant()
        }
        $previous = $text
    }
    return @{ Components = $components.ToArray(); Writers = $writers.ToArray() }
}
