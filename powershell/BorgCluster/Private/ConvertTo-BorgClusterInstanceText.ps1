function ConvertTo-BorgClusterInstanceText {
    <#
    .SYNOPSIS
    Writes an embedded WMI instance, as Hyper-V's methods take settings. Properties that are left out stay as they are.
    .DESCRIPTION
    A property's WMI type is that of its value: [byte] is uint8, [uint16] uint16, [bool] boolean, a text string, and a list
    an array of strings.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $ClassName,

        [Parameter(Mandatory)]
        [System.Collections.Specialized.OrderedDictionary]
        $Property
    )

    $types = @{ Byte = 'uint8'; UInt16 = 'uint16'; Boolean = 'boolean'; String = 'string' }
    $text = "<INSTANCE CLASSNAME=""$ClassName"">"
    foreach ($name in $Property.Keys) {
        $value = $Property[$name]
        if ($value -is [array]) {
            $text += "<PROPERTY.ARRAY NAME=""$name"" TYPE=""string""><VALUE.ARRAY>"
            foreach ($one in $value) {
                $text += '<VALUE>' + [System.Security.SecurityElement]::Escape([string] $one) + '</VALUE>'
            }
            $text += '</VALUE.ARRAY></PROPERTY.ARRAY>'
        } else {
            $type = $types[$value.GetType().Name]
            $escaped = [System.Security.SecurityElement]::Escape(([string] $value))
            $text += "<PROPERTY NAME=""$name"" TYPE=""$type""><VALUE>$escaped</VALUE></PROPERTY>"
        }
    }
    return $text + '</INSTANCE>'
}
